# 一网统管 · everything a person types. `make` alone prints this list.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON := .venv/bin/python
YIWANG := $(PYTHON) manage.py
RUFF := .venv/bin/ruff
TESTS := $(wildcard tests/unit tests/integration tests/journeys tests/browser)
JOBS ?= 2

# a demonstration unless the environment or .env says otherwise
run up: export YIWANG_DEMO := $(or $(YIWANG_DEMO),$(shell sed -n 's/^YIWANG_DEMO=//p' .env 2>/dev/null),1)
ifdef LAN
run up: export YIWANG_LAN := $(LAN)
endif

.PHONY: help
help: ## 列出全部命令 · this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[1mmake %-13s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- run (运行) ---------------------------------------------------------------------------------

.PHONY: run up down
run: setup ## 一条命令启动全部，Ctrl-C 停止（LAN=1：https，供手机访问） · everything, in the foreground
	@exec $(YIWANG) run

up: setup ## 后台启动，就绪后返回 · the same in the background
	@$(YIWANG) up

down: ## 停止后台的全部进程 · stop it
	@if [ -x $(PYTHON) ]; then $(YIWANG) down; fi

.PHONY: setup setup-test
setup:
	@deploy/setup.sh run

setup-test:
	@deploy/setup.sh test

# --- check (检验) -------------------------------------------------------------------------------

.PHONY: test check bench chaos screenshots
test: setup-test ## 单元、集成、流程、浏览器测试 · all tests
	@$(PYTHON) -m pytest $(TESTS) -n $(JOBS) -q

check: setup-test ## ruff、mypy、分层约束、工程规约 · lint, types, layers, house rules
	@$(RUFF) check .
	@$(RUFF) format --check .
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports --no-logo
	@$(PYTHON) -m pytest tests/unit/test_house.py -q

bench: setup-test ## 性能测量，结果在 tests/bench/out · measure
	@$(PYTHON) -m tests.bench

chaos: setup-test ## 故障演练，结果在 tests/chaos/out · break things on purpose
	@$(PYTHON) -m tests.chaos

screenshots: setup-test ## 重拍 docs/images 中的画面 · draw the pictures again
	@$(PYTHON) -m tests.browser.screenshots

# --- data (数据) --------------------------------------------------------------------------------

.PHONY: psql backup restore reset requirements
psql: ## 打开数据库 · a database prompt
	@psql "$$(cat $${YIWANG_HOME:-.local}/database_url)"

backup: ## 备份数据库和上传文件 · back up, while running
	@$(YIWANG) backup

restore: setup ## 从备份恢复：make restore FILE=… · restore a backup
	@test -n "$(FILE)" || { echo '用法：make restore FILE=.local/backups/….tar' >&2; exit 2; }
	@$(YIWANG) restore "$(FILE)"

reset: down ## 删除本机的数据库、账号和日志，从头开始 · forget everything on this machine
	@deploy/reset.sh

requirements: ## 由 pyproject.toml 重新生成带哈希的依赖清单 · compile hashed pins
	@.venv/bin/uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml -o requirements.txt
	@.venv/bin/uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group dev -c requirements.txt -o requirements-dev.txt
