.PHONY: demo test check

demo:  ## run the whole journey on the sample logs
	python3 dev.py demo

test:  ## run every check that CI runs
	python3 dev.py test
