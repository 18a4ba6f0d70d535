"""Run folder -> rows: one file a subject; nothing here knows of Streamlit, and nothing keeps the store open."""
