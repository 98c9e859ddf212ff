# The commands a person runs are the ones CI runs. Needs Python 3.11 to 3.13 and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Where bytecode may not be written, every dbt call compiles its imports anew: 7 s instead of 3.5.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all test-month bench lint docs clean lock env

demo: env  ## sandbox, 90 days of history, loads, dbt build, docs, and a report
	python -m sandbox.demo

test: env lint  ## everything that needs no system package, on a throwaway sandbox
	pytest -n 2 --dist loadfile -m "not mariadb and not monitoring and not kafka and not cluster and not month"

test-all: test $(VENV)/kafka  ## and what needs MariaDB, Apache Kafka, Prometheus and rsyslog (apt-get install mariadb-server maven prometheus prometheus-alertmanager rsyslog-elasticsearch), and the month
	pytest -n 2 --dist loadfile -m "mariadb or monitoring or kafka or cluster or month"

$(VENV)/kafka: tests/apache_kafka.pom.xml
	mvn -q -B -f $< dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$(CURDIR)/$@
	touch $@

test-month: env  ## thirty days of daily loads and builds against a full refresh; a quarter of an hour
	pytest -m month

bench: env  ## latency and rate of landing; dbt's floor; an increment on 20 and on 40 million messages; what rollups save: an hour, 15 GB
	python -m bench.latency
	python -m bench.landing
	python -m bench.floor
	python -m bench.incremental
	python -m bench.rollups

lint: env  ## format, rules and types of Python; the SQL's style
	ruff format --check .
	ruff check .
	mypy
	sqlfluff lint -p 2 models macros tests

docs: env  ## the docs site of what was built, into target/, and which sources fell silent
	-dbt source freshness
	# Writing JSON, it would put its own results over the build's, which the page of health shows.
	dbt docs generate --no-write-json

lock: env  ## write requirements.lock anew from pyproject.toml
	uv pip compile -q --universal --python-version 3.11 --all-extras --no-strip-extras \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade \
		pyproject.toml -o requirements.lock

clean:  ## stop the sandbox and remove what was made; the environment stays
	-test ! -x $(BIN)/gatehouse || gatehouse down
	rm -rf .gatehouse target logs .pytest_cache .mypy_cache .ruff_cache .hypothesis

env: $(VENV)/.installed

# uv installs in a fifth of pip's time; pip is the fallback where only pip is configured.
$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info[:2] <= (3, 13), \
		"gatehouse needs Python 3.11 to 3.13; this is %d.%d: make PYTHON=python3.12" % sys.version_info[:2]'
	$(PYTHON) -m venv $(VENV)
	awk '/^[^ ]/ { uv = /^uv==/ } uv' requirements.lock > $(VENV)/uv.lock
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	VIRTUAL_ENV=$(VENV) uv pip sync -q --require-hashes --compile-bytecode requirements.lock \
		|| $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
