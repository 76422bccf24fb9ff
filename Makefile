# sunpile: two commands matter, `make demo` and `make test`. Both set up what they need.
PYTHON ?= python3
PY := .venv/bin/python
CPY := .venv-contracts/bin/python
PIP := .setup/bin/python -m pip --quiet --disable-pip-version-check

.PHONY: setup setup-run demo test conformance soak bench lint format contracts docs pictures lock clean

setup-run: .setup/run node_modules/.package-lock.json           ## what runs: .venv and the chain engine

setup: setup-run .setup/dev .setup/contracts .setup/browser     ## and what tests: tools, Vyper, browser

demo: setup-run                                                  ## one town, one day, then the live page
	$(PY) -m sunpile demo $(ARGS)

test: setup                                                      ## every test with small counts
	$(PY) tests/run.py

conformance: setup                                               ## every OCA case, into docs/conformance.md
	$(PY) tests/conformance/report.py

soak: setup                                                      ## the full counts, into bench/soak.json
	$(PY) bench/soak.py

bench: setup                                                     ## the figures, into bench/results.json
	$(PY) bench/run.py

lint: setup                                                      ## style, types, chapter order
	$(PY) tests/run.py lint

format: setup
	.venv/bin/ruff check -q --fix . && .venv/bin/ruff format -q .

contracts: setup                                                 ## compile contracts/ into the committed artefacts
	$(CPY) contracts/build.py

docs: setup                                                      ## the documentation, into site/
	.venv/bin/zensical build

pictures: setup                                                  ## the pictures of README and docs, from a real day
	$(PY) -m tests.browser.pictures $(ARGS)

lock:                                                            ## resolve requirement files anew (needs uv)
	uv pip compile -q pyproject.toml --extra town --generate-hashes --no-emit-index-url --python-version 3.11 --universal -o requirements/run.txt
	uv pip compile -q pyproject.toml requirements/dev.in --extra town --extra postgres -c requirements/run.txt --generate-hashes --no-emit-index-url --python-version 3.11 --universal -o requirements/dev.txt
	uv pip compile -q requirements/contracts.in --generate-hashes --no-emit-index-url --python-version 3.11 --universal -o requirements/contracts.txt

clean:
	rm -rf .venv .venv-contracts .setup node_modules site demo

# pip lives in .setup, so that .venv holds only what runs: without the libraries' own tests it stays below 400 MB, with the
# byte code of the first run too.
.setup/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	$(PYTHON) -m venv .setup || { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; rm -rf .setup; exit 1; }

.setup/run: requirements/run.txt | .setup/bin/python
	test -x $(PY) || $(PYTHON) -m venv --without-pip .venv
	$(PIP) --python .venv install --no-compile --no-deps --require-hashes -r requirements/run.txt
	cd .venv/lib/python3*/site-packages && find numpy pandas scipy -type d -name tests -prune -exec rm -rf {} +
	$(PY) -c "import pathlib, sysconfig; pathlib.Path(sysconfig.get_paths()['purelib'], 'sunpile.pth').write_text(str(pathlib.Path('src').resolve()))"
	printf '#!/bin/sh\nexec "$$(dirname "$$0")/python" -m sunpile "$$@"\n' > .venv/bin/sunpile && chmod +x .venv/bin/sunpile
	touch $@

.setup/dev: requirements/dev.txt .setup/run
	$(PIP) --python .venv install --no-compile --no-deps --require-hashes -r requirements/dev.txt
	touch $@

.setup/contracts: requirements/contracts.txt | .setup/bin/python
	test -x $(CPY) || $(PYTHON) -m venv --without-pip .venv-contracts
	$(PIP) --python .venv-contracts install --no-compile --no-deps --require-hashes -r requirements/contracts.txt
	touch $@

.setup/browser: | .setup/bin/python
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && { apt-get update -qq >/dev/null; apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; }; } || echo "not run: chromium (not root)"
	@command -v chromium >/dev/null && touch $@ || true

node_modules/.package-lock.json: package.json package-lock.json
	@command -v npm >/dev/null || { echo "Node.js 20 or newer with npm is needed"; exit 1; }
	npm install --silent --no-save --ignore-scripts
	touch $@
