#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The only entry: ./build.sh build | run | test | bench [engine|goals|sync|scale|review|stream] | gen | train | study | eval | parity | release | clean
set -euo pipefail
cd "$(dirname "$0")"
export GOTOOLCHAIN=auto GOFLAGS=-trimpath GOWORK=off

usage() {
  cat <<'TEXT'
./build.sh build            dist/haechi, dist/haechi.wasm, dist/model/, dist/chrome/, dist/firefox/;
                            HAECHI_MODEL=DIR puts another classifier of BERT's shape in: model.onnx, tokenizer.json, config.json
./build.sh run [--headless] build, start the server, open a replica chat page in Chromium with the extension
./build.sh test [--long]    everything: vet, Go tests with -race, types, unit and end-to-end tests in Chromium and Firefox;
                            --long draws 100 schedules of faults of a cluster instead of two
./build.sh bench [engine|goals|sync|scale|review|stream] […]
                            measure the engine, the sync server beside the centrifuge library, or both;
                            goals holds the whole engine against its goals in one table, --record keeps the figures;
                            scale measures three nodes against one and counts 50 million browsers through;
                            review measures the review desk and its public pages with 100,000 cases; stream what a
                            reader feels while an answer streams on every site, with --site ID, --speed TOKENS, --top;
                            --clients N and --json are for sync and scale; BENCHMARKS.md explains the figures
./build.sh gen              write what is generated: ext/src/engine/abi.ts, ext/replica/answers.json
./build.sh train            rebuild wasm/model from the corpus (on a CPU, minutes)
./build.sh study            compare designs of the classifier on topics left out, and time them in Chromium
./build.sh eval [--set DIR] [--rules DIR] [--wrong]
                            precision, recall, calibration and confusion on labelled sentences, natively and in the wasm
./build.sh parity [--every N]
                            the classifier's logits natively, under wazero, in Chromium and in onnxruntime-node, held to hugot's on the whole corpus
./build.sh release --trust FILE | --developer [--dirty] [--check]
                            dist/release/: the archives for the stores and of their source, the same bytes every time;
                            ext/store/README.md explains the options and what to do with the archives
./build.sh clean            remove dist/ and ext/node_modules/
TEXT
}

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

# install PACKAGE… by apt where that is possible; else say what to install.
install() {
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing $*"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >&2 ||
      die "apt-get could not install: $*"
  else
    die "please install: $*"
  fi
}

need_tools() {
  command -v go >/dev/null || die "please install Go 1.21 or later (https://go.dev/dl); Go 1.27 itself is then fetched as a module"
  command -v node >/dev/null && command -v npm >/dev/null || die "please install Node.js 20 or later with npm (https://nodejs.org)"
  [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || die "Node.js $(node --version) is too old; 20 or later is needed"
}

need_chromium() {
  for c in chromium chromium-browser; do
    [ -n "${CHROMIUM:-}" ] || CHROMIUM=$(command -v $c || true)
  done
  if [ -z "$CHROMIUM" ]; then
    install chromium chromium-l10n
    CHROMIUM=$(command -v chromium) || die "chromium was installed but is not on the PATH"
  fi
  export CHROMIUM
  # Hangul, kana and Han have to be seen.
  if command -v fc-list >/dev/null && [ -z "$(fc-list :lang=ko)" ]; then install fonts-noto-cjk; fi
}

# need_firefox: a build that takes an unsigned extension when told to; the release channel's does not.
need_firefox() {
  for c in firefox-esr firefox-developer-edition firefox-nightly; do
    [ -n "${FIREFOX:-}" ] || FIREFOX=$(command -v $c || true)
  done
  if [ -z "$FIREFOX" ]; then
    install firefox-esr
    FIREFOX=$(command -v firefox-esr) || die "firefox-esr was installed but is not on the PATH"
  fi
  export FIREFOX
}

npm_install() {
  if [ ! -e ext/node_modules/.package-lock.json ] || [ ext/package-lock.json -nt ext/node_modules/.package-lock.json ]; then
    say "npm packages"
    # Without what onnxruntime-node would fetch for graphics cards.
    ONNXRUNTIME_NODE_INSTALL=skip npm ci --prefix ext --no-audit --no-fund --loglevel=error >&2
    touch ext/node_modules/.package-lock.json
  fi
}

build_engine() {
  compile
  developer_keys
}

# The wasm is the same bytes wherever it is built, so it may not tell of a commit.
compile() {
  say "engine and command"
  mkdir -p dist
  GOOS=wasip1 GOARCH=wasm go build -buildvcs=false -buildmode=c-shared -ldflags="-s -w" -o dist/haechi.wasm ./wasm
  go build -o dist/haechi ./server
  local model=${HAECHI_MODEL:-wasm/model}
  if [ "$model" != wasm/model ]; then go run ./wasm/classify/accept "$model"; fi
  rm -rf dist/model
  mkdir -p dist/model
  cp "$model/model.onnx" "$model/tokenizer.json" "$model/config.json" dist/model/
  dist/haechi rules pack >dist/baseline.json
  dist/haechi rules pack --index >dist/baseline.index
}

# A developer's own maintainers (2 of 3) and the online key that they lend to
# the server; in a release the real root takes their place.
developer_keys() {
  local keys=dist/keys i
  if ! grep -qs '"version"' dist/trust.json; then
    rm -rf $keys
    mkdir -p $keys
    for i in 1 2 3; do dist/haechi keys new --out $keys/maintainer-$i.key --name maintainer-$i >$keys/maintainer-$i.pub; done
    dist/haechi keys new --out $keys/online.key --name online >$keys/online.pub
    dist/haechi keys root "$(cat $keys/maintainer-1.pub)" "$(cat $keys/maintainer-2.pub)" "$(cat $keys/maintainer-3.pub)" >dist/trust.json
  fi
  # Lent anew at each build, so that it never runs out here.
  dist/haechi keys lend "$(cat $keys/online.pub)" --version "$(date +%s)" --key $keys/maintainer-1.key --key $keys/maintainer-2.key >$keys/online.note
}

build_extension() {
  say "extension"
  npm_install
  npm run --silent --prefix ext build
}

build() {
  need_tools
  build_engine
  build_extension
  say "built dist/haechi, dist/haechi.wasm ($(wc -c <dist/haechi.wasm) bytes, $(gzip -9c dist/haechi.wasm | wc -c) gzipped), dist/chrome, dist/firefox"
}

run() {
  build
  need_chromium
  npm run --silent --prefix ext demo -- "$@"
}

test_all() {
  build
  need_chromium
  need_firefox
  say "format and vet"
  unformatted=$(gofmt -l rules server wasm)
  [ -z "$unformatted" ] || die "gofmt -w these: $unformatted"
  go vet ./...
  GOOS=wasip1 GOARCH=wasm go vet ./wasm
  say "generated files"
  generate --check
  say "Go tests"
  need_node_tests
  need_strace
  # What judges a whole corpus takes ten times as long under the race detector.
  # Clusters of real processes take minutes.
  go test -race -timeout 30m $(go list ./... | grep -v -e /server/gate -e /wasm/parity)
  go test ./server/gate ./wasm/parity
  go test -run TestScripts/rulestest ./server
  go test -run SmallStacks ./server/hub # the race detector enlarges stacks
  kernels
  go test -run 'Allocate|WorkedOut' ./wasm/detect # and allocates
  say "sizes"
  go run ./wasm/goals sizes
  if [ "${1:-}" = --long ]; then
    say "100 schedules of faults of a cluster"
    HAECHI_CLUSTER_SCHEDULES=100 go test -v -timeout 4h -run '^TestClusterSurvivesFaults$' ./server
  fi
  say "fuzz"
  for f in FuzzCandidates FuzzSplit FuzzFold FuzzFind FuzzPrepared; do
    go test -run '^$' -fuzz "^$f\$" -fuzztime 20000x ./wasm/detect
  done
  # Every parser of what comes from a network or a file.
  for f in rules:FuzzParse rules:FuzzParsePack rules:FuzzApply rules/delta:FuzzApply \
    rules/trust:FuzzAccept rules/trust:FuzzEvidence rules/trust:FuzzNotes rules/trust:FuzzParseRoot \
    wasm/abi:FuzzCall wasm/onnx:FuzzLoad wasm/wordpiece:FuzzParse wasm/classify/reference:FuzzTokens server/wire:FuzzDecode server/review:FuzzReadCollection \
    server:FuzzPush server:FuzzPushedFile server:FuzzDraft server:FuzzCheckLines; do
    go test -run '^$' -fuzz "^${f#*:}\$" -fuzztime 2000x -fuzzminimizetime 10x "./${f%:*}"
  done
  say "corpus"
  go run ./wasm/model/train/prepare lint >dist/lint.txt || { cat dist/lint.txt; die "the corpus or a rule has problems"; }
  say "extension: types, unit tests"
  npm run --silent --prefix ext types
  npm test --silent --prefix ext
  say "the store's own check for Firefox"
  npm run --silent --prefix ext lint:firefox
  say "end to end in Chromium"
  need_paper
  npm run --silent --prefix ext e2e
  say "end to end in Firefox"
  npm run --silent --prefix ext e2e:firefox
  parity --every 25
  say "all tests passed"
}

# kernels: the executor's tests once more as wasm, where its loops are others.
kernels() {
  go build -o dist/wazero github.com/tetratelabs/wazero/cmd/wazero
  GOOS=wasip1 GOARCH=wasm go vet ./wasm/onnx
  GOOS=wasip1 GOARCH=wasm go test -c -o dist/onnx-test.wasm ./wasm/onnx
  dist/wazero run dist/onnx-test.wasm -test.run 'Packed|Functions|Softmax|Multiply|Encoders'
}

# generate [--check]: what TypeScript knows of the engine comes from the Go
# types, what the replica pages show from the cases.
generate() {
  go run ./wasm/abi/gen "$@" ext/src/engine/abi.ts
  go run ./wasm/cases/gen "$@" ext/replica/answers.json
}

# bench [engine|goals|sync|scale|review|stream] […]: what follows the name is for that measurement.
bench() {
  need_tools
  build_engine
  case "${1:-all}" in
    engine) bench_engine ;;
    goals) shift; need_chromium; build_extension; go run ./wasm/goals "$@" ;;
    sync) shift; bench_sync "$@" ;;
    scale) shift; bench_scale "$@" ;;
    stream) shift; bench_stream "$@" ;;
    review)
      go test -run '^$' -bench Queue -benchtime 200x ./server/review
      go test -run '^$' -bench Pages -benchtime 30x -v ./server/web ;;
    all | --*) bench_engine; bench_sync "$@" ;;
    *) usage >&2; exit 2 ;;
  esac
}

# bench_engine: the Go benchmarks, then the classifier in Chromium beside
# onnxruntime-web, on sentences of the corpus that cost/inputs.jsonl keeps.
bench_engine() {
  go test -run '^$' -bench . -benchmem -benchtime 2s ./wasm/...
  need_chromium
  build_extension
  rm -rf dist/cost
  mkdir -p dist/cost/haechi
  cp dist/model/* dist/cost/haechi/
  go run ./wasm/parity --every 25 --out dist/cost.jsonl
  tail -n +2 dist/cost.jsonl >dist/cost/haechi/inputs.jsonl
  # A network of tomorrow, with random weights, for sentences and paragraphs.
  for n in 64 128; do
    go run ./wasm/onnx/bert/write --places $n --inputs dist/cost/haechi/inputs.jsonl --out dist/cost/bert-4x256-$n
  done
  node ext/parity/cost.mjs dist/cost
  go run ./wasm/goals
}

# bench_stream: in a real Chromium, on every site's fixture.
bench_stream() {
  need_chromium
  npm_install
  node ext/build.mjs --dev --target chrome >&2
  node ext/stream.mjs "$@"
}

bench_sync() {
  mkdir -p dist/load
  go build -o dist/load/sync ./server/hub/load
  go build -o dist/load/centrifuge ./server/hub/load/centrifuge
  dist/load/sync "$@"
}

# bench_scale: three nodes with a third of the clients each against one with
# all; what it measures is what the population is counted through with.
bench_scale() {
  local json="" args=()
  for a in "$@"; do
    if [ "$a" = --json ]; then json=--json; else args+=("$a"); fi
  done
  mkdir -p dist/load
  go build -o dist/load/sync ./server/hub/load
  go build -o dist/load/population ./server/hub/load/population
  go build -o dist/nats-server github.com/nats-io/nats-server/v2
  dist/load/sync --scale --clients 15000 --json "${args[@]}" >dist/load/scale.txt
  sed '$d' dist/load/scale.txt
  echo
  dist/load/population --measured dist/load/scale.txt $json
}

# need_python: for training only; one thread a process.
need_python() {
  python=/usr/bin/python3
  export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
  $python -c 'import torch, numpy, onnx' 2>/dev/null || install python3-torch python3-numpy python3-onnx libopenblas0-pthread
}

# need_paper: what reads a printed hand-out back.
need_paper() { command -v pdftotext >/dev/null || install poppler-utils; }

# need_node_tests: the official tests of ONNX operators, which python3-onnx
# needs to run its own; without root our test says that it skips them.
need_node_tests() {
  if [ -z "${HAECHI_ONNX_TESTS:-}" ] && [ ! -d /usr/share/libonnx-testdata/data/node ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    install libonnx-testdata
  fi
}

# need_strace: lets the disk fail; without it the test says that it skips.
need_strace() {
  if ! command -v strace >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then install strace; fi
}

train() {
  need_tools
  need_python
  mkdir -p dist
  rm -rf dist/fitted
  mkdir -p dist/fitted
  go run ./wasm/model/train/prepare encode dist/encoded.jsonl
  $python wasm/model/train/wordpiece.py dist/encoded.jsonl dist/fitted/tokenizer.json
  go run ./wasm/model/train/fit train dist/encoded.jsonl dist/fitted/tokenizer.json dist/fitted
  $python wasm/model/train/train.py --data dist/encoded.jsonl --fitted dist/fitted --out wasm/model
  $python wasm/model/train/card.py wasm/model
}

study() {
  build
  need_chromium
  need_python
  go run ./wasm/model/train/prepare encode dist/encoded.jsonl
  rm -rf dist/study
  $python wasm/model/train/study.py --data dist/encoded.jsonl --out dist/study
  node ext/parity/cost.mjs dist/study
}

# evaluate: paths are as the caller gave them, from the repository's root.
evaluate() {
  need_tools
  build_engine
  go run ./wasm/eval "$@"
}

# parity [--every N]: the runtimes against one another, with our model and with
# a classifier of BERT's shape in its place; needs a build.
parity() {
  say "parity of the runtimes"
  go run ./wasm/parity "$@"
  npm run --silent --prefix ext parity
  go run ./wasm/onnx/bert/write --layers 2 --width 64 --types --out dist/bert
  go run ./wasm/parity --model dist/bert --every 400 --out dist/bert.jsonl
  npm run --silent --prefix ext parity -- "$PWD/dist/bert.jsonl" "$PWD/dist/bert"
}

# release --trust FILE | --developer [--dirty] [--check]: the archives for the
# stores. They are built from the source archive in a folder of its own, by the
# command that a reviewer runs there; --check does that in a second folder and
# compares. An unpacked source archive has no .git, but the root in trust.json.
release() {
  local trust="" developer="" dirty="" check="" tree out=$PWD/dist/release
  need_tools
  if [ ! -e .git ]; then
    [ $# = 0 ] || die "an unpacked source archive takes no options: ./build.sh release"
    packages
    return
  fi
  while [ $# -gt 0 ]; do
    case "$1" in
      --trust) [ $# -gt 1 ] || die "--trust needs the file with the maintainers' root"; trust=$2; shift ;;
      --developer) developer=1 ;;
      --dirty) dirty=1 ;;
      --check) check=1 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
  if [ -z "$trust" ]; then
    [ -n "$developer" ] || die "the package would trust this machine's developer keys, and its users could never get the maintainers' rules: give the maintainers' root with --trust FILE ('haechi keys root' makes one), or say --developer for a trial"
    trust=dist/trust.json
    [ -s $trust ] || die "there is no developer's root yet: run ./build.sh build first"
  fi
  [ -s "$trust" ] || die "cannot read $trust"
  [ -n "$developer" ] || ! cmp -s "$trust" dist/trust.json || die "$trust is the developer's root of this folder; give the maintainers' root, or say --developer for a trial"
  if [ -n "$(git status --porcelain)" ]; then
    [ -n "$dirty" ] || { git status --short >&2; die "the working tree differs from HEAD: commit or put away the files above, or say --dirty for a trial"; }
  fi
  tree=$(source_tree "$dirty")
  npm_install
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK"' EXIT
  rm -rf "$out"
  unpack "$tree" "$trust" "$WORK/source"
  node ext/release.mjs source "$WORK/source" "$out"
  build_there "$WORK/source"
  cp "$WORK"/source/dist/release/*.zip "$out/"
  say "the store's own check for Firefox"
  HAECHI_DIST=$WORK/source/dist npm run --silent --prefix ext lint:firefox
  if [ -n "$check" ]; then
    say "the same again, in another folder"
    unpack "$tree" "$trust" "$WORK/another/folder"
    node ext/release.mjs source "$WORK/another/folder" "$WORK/again"
    build_there "$WORK/another/folder"
    cp "$WORK"/another/folder/dist/release/*.zip "$WORK/again/"
    for f in "$out"/*.zip; do cmp "$f" "$WORK/again/${f##*/}" || die "${f##*/} is not the same when built twice"; done
    say "the same bytes twice"
  fi
  node ext/release.mjs sums "$out"
  say "$out"
  [ -z "$developer" ] || say "WARNING: a DEVELOPER'S root is in these packages. Do not send them to a store."
  [ -z "$dirty" ] || say "WARNING: built from a tree with changes that are in no commit. Do not send these packages to a store."
}

# source_tree DIRTY: the tree to release; with DIRTY one of what lies in the folder, else that of HEAD.
source_tree() {
  if [ -z "$1" ]; then git rev-parse 'HEAD^{tree}'; return; fi
  local index
  index=$(mktemp -u)
  GIT_INDEX_FILE=$index git add -A
  GIT_INDEX_FILE=$index git write-tree
  rm -f "$index"
}

# unpack TREE TRUST FOLDER: the source as reviewers get it, with the root that is shipped.
unpack() {
  mkdir -p "$3"
  git archive --format=tar "$1" | tar -x -C "$3"
  cp "$2" "$3/trust.json"
}

build_there() { (unset CHROMIUM FIREFOX HAECHI_DIST && cd "$1" && bash ./build.sh release); }

# packages: what the stores get, from the root in trust.json.
packages() {
  [ -s trust.json ] || die "no trust.json here: this is neither a git checkout nor a whole source archive"
  unset GOEXPERIMENT GOWASM HAECHI_MODEL
  rm -rf dist
  compile
  cp trust.json dist/trust.json
  build_extension
  node ext/release.mjs packages dist dist/release
  node ext/release.mjs sums dist/release
}

case "${1:-}" in
  build) build ;;
  run) shift; run "$@" ;;
  test) shift; test_all "$@" ;;
  bench) shift; bench "$@" ;;
  gen) need_tools; generate ;;
  train) train ;;
  study) study ;;
  eval) shift; evaluate "$@" ;;
  parity) shift; build; need_chromium; parity "$@" ;;
  release) shift; release "$@" ;;
  clean) rm -rf dist ext/node_modules ;;
  "" | help | -h | --help) usage ;;
  *) usage >&2; exit 2 ;;
esac
