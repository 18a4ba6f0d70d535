"""The dashboard: a Streamlit app over a run folder. Queries know no Streamlit, charts no files, pages only arrange."""
