# Each target makes the virtual environment that it needs. PYTHON may be any from 3.10 to 3.13.
PYTHON ?= python3
PYTHON310 ?= python3.10
DEMO := .venv-demo
DEV := .venv
LOWEST := .venv-lowest
GPU := .venv-gpu
PIP := -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test test-fast test-lowest lint constraints docs mutants soak bench bench-more picture weights plugin kernel-check gpu-check clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(DEMO)/ready ## find phrases in the images of assets/demo with the shipped bundle
	$(DEMO)/bin/python samples/demo.py

test: $(DEV)/ready ## run all tests that this machine can run
	OMP_NUM_THREADS=1 $(DEV)/bin/python -m pytest -q -n 2 --dist loadfile

test-fast: $(DEV)/ready ## the tests without those marked slow: about a minute on two cores
	OMP_NUM_THREADS=1 $(DEV)/bin/python -m pytest -q -n 2 --dist loadfile -m "not slow"

test-lowest: $(LOWEST)/ready ## the SDK's tests with Python 3.10 and the lowest versions of all packages that are allowed (constraints-lowest.txt)
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python -m pytest -q -n 2 --dist loadfile -m "not slow" tests/sdk

lint: $(DEV)/ready ## run the checks of .pre-commit-config.yaml on all files: Python, C++, shell, web page (Biome needs Node.js)
	$(DEV)/bin/python -m pre_commit run --all-files --show-diff-on-failure

constraints: $(DEV)/ready ## resolve constraints-dev.txt for each Python that is promised; nothing is installed
	@mkdir -p build; for version in 3.10 3.11 3.12 3.13; do echo "Python $$version"; \
	  $(DEV)/bin/uv pip compile --quiet --no-progress --extra dev --constraint constraints-dev.txt --python-version $$version \
	    --python-platform x86_64-manylinux_2_34 --only-binary :all: --no-binary tensorrt-rtx-cu13 \
	    --output-file build/constraints-$$version.txt pyproject.toml || exit 1; done

docs: $(DEV)/ready ## build the documentation with its API pages, build/site/index.html; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(DEV)/bin/python -m mkdocs build --strict

mutants: $(DEV)/ready ## change the SDK's code in small ways and list the changes that no test notices: SAMPLE=25 of each module, build/mutants
	nice -n 10 $(DEV)/bin/python tools/mutate.py --sample $(or $(SAMPLE),25)

soak: $(DEV)/ready ## run the page, labelling and a camera loop with faults for MINUTES=30: are memory and descriptors flat? build/soak
	nice -n 10 $(DEV)/bin/python tools/soak.py --minutes $(or $(MINUTES),30)

bench: $(DEV)/ready ## measure a frame in turn with PyTorch and OpenVINO on a quiet machine: build/bench/edge.json, edge.png
	mkdir -p build/bench
	$(DEV)/bin/isfp bench models/edge.isfp --image assets/demo/mugs.jpg --phrase "the blue mug" --against eager,openvino \
	  --phrases 1,2,4,8 --absent --runs 30 --plot build/bench/edge.png --json > build/bench/edge.json

bench-more: $(DEV)/ready ## the benchmarks of single questions (docs/performance.md), on a quiet machine, into build/bench
	mkdir -p build/bench
	$(DEV)/bin/python tools/bench_fpm.py --json > build/bench/fpm-edge.json
	$(DEV)/bin/python tools/bench_fpm.py --channels 512 --json > build/bench/fpm-paper.json
	$(DEV)/bin/python tools/bench_growth.py models/edge.isfp --plot build/bench/growth.png --save build/bench/growth.json
	$(DEV)/bin/python tools/bench_training.py --json > build/bench/training.json

picture: $(DEMO)/ready ## draw the README's picture, assets/demo.jpg
	$(DEMO)/bin/python samples/demo.py --out build/picture
	$(DEMO)/bin/python -c 'import cv2; cv2.imwrite("assets/demo.jpg", cv2.imread("build/picture/all.png"), [cv2.IMWRITE_JPEG_QUALITY, 88])'

weights: $(DEV)/ready ## train the shipped weights again, run after run, on two CPU cores; resumes: make weights DATA=FOLDER
	$(if $(DATA),,$(error Give the folder of the training data (docs/training.md): make weights DATA=FOLDER))
	$(DEV)/bin/python tools/train_weights.py $(DATA)

plugin: ## build the TensorRT plugin (headers from PyPI unless TENSORRT_INCLUDE_DIR is given) and run its C++ tests
	$(if $(TENSORRT_INCLUDE_DIR),,$(PYTHON) plugins/fetch_headers.py build/tensorrt-headers)
	cmake -S . -B build/plugins -DTENSORRT_INCLUDE_DIR=$(or $(TENSORRT_INCLUDE_DIR),$(CURDIR)/build/tensorrt-headers)
	cmake --build build/plugins --parallel $$(nproc)
	cd build/plugins && ctest --output-on-failure --parallel 2

kernel-check: ## on a machine with a GPU, nvcc and a C++ compiler: prove and time the FPM kernels, write one report
	$(PYTHON) tools/kernel_check.py

# In the environment that is active, because that one may have a TensorRT of its own; else in one that sees the system's packages.
gpu-check: CHECK = $(or $(VIRTUAL_ENV),$(GPU))/bin/python
gpu-check: ## on a device: the kernels, plugin, engines, GPU tests and benchmark, each if what it needs is here; one report
	@$(PYTHON) tools/kernel_check.py --gpu
	$(if $(VIRTUAL_ENV),,$(PYTHON) -m venv --system-site-packages $(GPU))
	@$(CHECK) -c 'import importlib.metadata as m, pytest, pytest_timeout; m.version("isfp")' 2>/dev/null || $(CHECK) $(PIP) -e . pytest pytest-timeout \
	  || echo "Not all packages could be installed; the check says what it cannot run"
	@$(CHECK) -c 'import cv2' 2>/dev/null || $(CHECK) $(PIP) -e ".[opencv-headless]" || echo "OpenCV could not be installed"
	@$(CHECK) -c 'import sys, onnx, ml_dtypes, onnx_graphsurgeon; from isfp.runtimes import cuda; sys.exit(cuda.why_unusable())' 2>/dev/null \
	  || $(CHECK) $(PIP) -e ".[$$($(CHECK) -c 'from isfp.runtimes.cuda import extra; print(extra())')]" \
	  || echo "What builds and runs engines could not be installed; the check says what it cannot run"
	$(CHECK) tools/gpu_check.py

clean: ## remove environments and builds
	rm -rf $(DEMO) $(DEV) $(LOWEST) $(GPU) build demo/out

$(DEMO)/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or later is needed: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python $(PIP) -e ".[opencv-headless]"
	@touch $@

$(LOWEST)/ready: pyproject.toml constraints-lowest.txt
	@$(PYTHON310) -c '' 2>/dev/null || { echo "Python 3.10 is needed: make test-lowest PYTHON310=/path/to/python3.10"; exit 1; }
	$(PYTHON310) -m venv $(LOWEST)
	$(LOWEST)/bin/python $(PIP) -c constraints-lowest.txt -e ".[opencv-headless,label,web,explain]" hypothesis pytest pytest-timeout pytest-xdist
	@touch $@

$(DEV)/ready: pyproject.toml constraints-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or later is needed: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python $(PIP) -c constraints-dev.txt -e ".[dev]"
	@touch $@
