.PHONY: demo test check nightly drift

demo:  ## run the whole journey on the sample logs
	python3 dev.py demo

test:  ## run every check that CI runs
	python3 dev.py test

nightly:  ## one scheduled night: read what is new, mine, judge, publish (SETTINGS=FILE)
	.venv/bin/python -m pipelines.nightly $(if $(SETTINGS),--settings $(SETTINGS))

drift:  ## hold the published bundle to its promise on new logs (SETTINGS=FILE)
	.venv/bin/python -m pipelines.drift $(if $(SETTINGS),--settings $(SETTINGS))
