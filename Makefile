# Yiyuan. `make` lists the targets. The tools run at pinned versions, so go.mod holds only what the bus needs.
SHELL := /bin/bash
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
GOLANGCI := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT := $(GO) run mvdan.cc/gofumpt@v0.12.0
GOVULNCHECK := $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0
TESTBED := deploy/testbed/testbed
SERVICES := kafka postgres redis
POSTGRES := postgres12 postgres17 postgres18
TOOLS := gcc kcat chromium python prometheus ts
# What takes longest begins first: those that wait beside those that compute.
LONG := ./cmd/yiyuan/e2e/demo ./simulation ./cmd/yiyuan/e2e/fault ./cmd/yiyuan/e2e/journey ./processors/resolve ./cmd/yiyuan ./cmd/yiyuan/e2e/upgrade
.DEFAULT_GOAL := help

.PHONY: help
help: ## 列出各目标 / list the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.PHONY: build
build: ## 编译 bin/yiyuan（只需 Go） / build bin/yiyuan (needs Go alone)
	@GO='$(GO)' deploy/build bin/yiyuan -ldflags '$(LDFLAGS)'

.PHONY: demo
demo: build ## 示例城市，一个进程跑起来：内置消息代理和缓存，控制台可直接使用 / the sample city, live, in one process: embedded broker and cache, console open to use
	@bin/yiyuan demo $(ARGS)

.PHONY: test
test: ## 全部测试，所需的真实服务自动安装、启动、使用、停止 / every test, with the real services it needs: installed, started, used, stopped
	@failed=; \
	echo "全部测试，三个包一起 / every test, three packages at a time"; \
	YIYUAN_TESTBED_BRIEF=1 $(TESTBED) run $(SERVICES) $(POSTGRES) $(TOOLS) -- deploy/testbed/gotest -race -vet=off -p 3 -timeout 40m $(LONG) ./... || failed=1; \
	echo "模拟，更多种子和全部变异体 / the simulation, more seeds and every mutant: without the race detector it runs ten times as many"; \
	$(TESTBED) run python -- deploy/testbed/gotest -vet=off -timeout 20m -run 'TestSimulation$$|TestMutantsAreCaught$$|TestEveryFaultHappens$$|TestANewFieldRewritesNoStory$$' ./simulation ./processors/resolve || failed=1; \
	[ -z "$$failed" ]

.PHONY: chaos
chaos: ## 真实服务上的故障，更久：随机杀进程 20 次，而不是几次 / the faults on real services, longer: 20 kills of processes at random instead of a few
	@YIYUAN_TEST_CHAOS=1 $(TESTBED) run $(SERVICES) $(TOOLS) -- $(GO) test -race -count 1 -v -timeout 60m -p 1 -run 'TestFault|TestKilled|TestUpgradeFrom|TestLostTopics|TestTopicGrown' ./cmd/yiyuan/e2e/...
	@$(TESTBED) run postgres $(POSTGRES) -- bash -c 'for version in 17 18; do server=YIYUAN_TEST_POSTGRES_$$version; echo "PostgreSQL $$version"; YIYUAN_TEST_POSTGRES=$${!server} $(GO) test -race -count 1 -timeout 20m ./connectors/postgres || exit; done'

.PHONY: unit
unit: ## 不需要服务的测试 / the tests that need no service
	@GORACE=$${GORACE:-atexit_sleep_ms=50} GOGC=$${GOGC:-300} $(GO) test -race -timeout 40m $(ARGS) ./... # why: deploy/testbed/gotest

.PHONY: fuzz
fuzz: ## 每个模糊测试各跑 FUZZTIME（30s） / each fuzz target for FUZZTIME (30s)
	@deploy/testbed/fuzz $(or $(FUZZTIME),30s)

.PHONY: soak
soak: ## 整个系统的模拟，一个种子接一个，直到停止（或 SEEDS=n[,from]） / the simulation of the whole system, seed after seed, until stopped (or SEEDS=n[,from])
	@$(if $(SEEDS),YIYUAN_SIM_SEEDS=$(SEEDS),YIYUAN_SIM_SOAK=1) $(GO) test ./simulation -run '$(if $(SEEDS),TestSimulation,TestSoak)$$' -count=1 -timeout 0 -v

.PHONY: bench
bench: build ## 公布的基准测试，连同真实服务 / the published benchmarks, with the real services beside them
	@$(TESTBED) run $(SERVICES) gcc -- benchmarks/run $(ARGS)

.PHONY: testbed
testbed: ## 启动真实服务并留着运行（停止：make testbed-down） / start the real services and leave them running (stop: make testbed-down)
	@$(TESTBED) up $(SERVICES) mariadb && $(TESTBED) env

.PHONY: testbed-down
testbed-down: ## 停止真实服务 / stop the real services
	@$(TESTBED) down

.PHONY: check
check: fmt-check deploy-check house generate-check console-check lint vuln ## 提交之前须通过的全部检查，测试除外 / everything that must hold before a commit, but the tests

.PHONY: house
house: ## 工程的结构：大小、文件间的循环、与规定次序相反的导入（ARGS=-all 列出每个名称） / how the project is built: sizes, circles of files, imports against the written order (ARGS=-all: every name)
	@$(GO) run ./cmd/house $(ARGS)

.PHONY: fmt
fmt: ## 格式化 / format
	@$(GOFUMPT) -w $$(git ls-files '*.go')

.PHONY: fmt-check
fmt-check:
	@out=$$($(GOFUMPT) -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "not formatted (make fmt):"; echo "$$out"; exit 1; }

.PHONY: lint
lint: ## 按 .golangci.yml 的规则运行 golangci-lint / golangci-lint with the rules of .golangci.yml
	@$(GO) vet ./... && $(GOLANGCI) run ./...

.PHONY: vuln
vuln: ## 已知漏洞，docs/adr/0003-avro.md 写明豁免的除外 / known vulnerabilities, less the waiver documented in docs/adr/0003-avro.md
	@deploy/testbed/vuln $(GOVULNCHECK)

.PHONY: generate
generate: ## 生成 docs/ 中自动生成的部分 / the generated parts of docs/
	@$(GO) run ./cmd/yiyuan docs --out docs/reference

.PHONY: generate-check
generate-check: generate
	@git diff --exit-code -- docs/reference || { echo "docs/reference is stale: make generate, then commit"; exit 1; }

.PHONY: console
console: ## 编译控制台页面（需要 Node） / build the console's page (needs Node)
	@cd gateway/console/web && npm ci --no-audit --no-fund && npm run lint && npm run build

.PHONY: console-types
console-types: ## 由 /openapi.json 生成控制台所用的网关答复的类型 / the types of the gateway's answers, for the console, made of /openapi.json
	@YIYUAN_TEST_UPDATE=1 $(TESTBED) run ts -- $(GO) test ./gateway -count 1 -run TestConsoleTypesAreTheDescription

.PHONY: console-check
console-check: ## 提交的页面与源码编译的一致，并且够小 / the committed page is what its source builds, and it is small
	@cd gateway/console/web && npm ci --no-audit --no-fund --loglevel=error && npm run lint && npm test && npm run build && npm run size
	@git diff --exit-code --stat -- gateway/console/web/dist && [ -z "$$(git status --porcelain -- gateway/console/web/dist)" ]

.PHONY: deploy-check
deploy-check: ## 脚本语法正确，systemd 单元和 compose 文件格式正确 / scripts parse, units and compose file are well formed
	@bash -n deploy/build deploy/testbed/testbed deploy/testbed/gotest deploy/testbed/fuzz deploy/testbed/vuln benchmarks/run benchmarks/engine/streams/build benchmarks/engine/goka/build .ci/run

.PHONY: clean
clean: ## 删除编译结果和测试环境的数据 / remove what was built and the test bed's data
	@$(TESTBED) down; rm -rf bin .testbed
