# The scripts in bin/ under make's roof; they need no make.
.PHONY: demo serve test bench rehearse lock

demo serve test bench rehearse:
	./bin/$@

# Write the pinned packages anew from requirements*.in; the tests' agree with the program's. After ./bin/test, which brings uv.
lock: export PATH := $(CURDIR)/.venv/bin:$(PATH)
lock:
	for name in requirements requirements-dev tests/fhir/requirements-sekmet; do \
		uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
			$$name.in -o $$name.txt || exit; \
	done
