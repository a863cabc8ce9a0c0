#!/usr/bin/env bash
# Forget this installation: database, Redis, accounts, logs. Set-up results and backups stay.
set -euo pipefail
cd "$(dirname "$0")/.."

home=${YIWANG_HOME:-.local}
[ -d "$home" ] || { echo '没有需要删除的数据'; exit 0; }
if [ -t 0 ]; then
    read -rp "将删除 $home 中的数据库、账号和日志（备份保留）。输入 yes 继续：" answer
    [ "$answer" = yes ] || { echo '未删除'; exit 1; }
fi
if [ -f "$home/installation" ]; then # where the servers' account could not reach this folder
    rm -rf "/var/lib/yiwang/$(cat "$home/installation")" "/tmp/yiwang-$(cat "$home/installation")"
fi
find "$home" -mindepth 1 -maxdepth 1 ! -name setup ! -name static ! -name backups -exec rm -rf {} +
echo '已删除'
