#!/bin/sh
# Installs Warren as a service of this machine, as root: sh deploy/systemd/install.sh [package]
# The package is a tarball of «npm pack», or what npm asks its registry for. Run again it updates; settings and data stay. With DESTDIR
# everything goes below that folder, and nothing is started.
set -eu
# The service is another user, and reads what is installed.
umask 022
package=${1:-warren-mesh}
root=${DESTDIR:-}
here=$(cd "$(dirname "$0")" && pwd)
home=/opt/warren

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

[ -n "$root" ] || [ "$(id -u)" -eq 0 ] || fail 'has to be run by root'
node=$(command -v node) || fail 'there is no Node in PATH; Warren needs Node 24'
major=$("$node" -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 24 ] || fail "needs Node 24 or later, but $node is Node $("$node" -p process.versions.node)"
# The service sees no home folders.
real=$(readlink -f "$node")
case $real in /home/* | /root/*) fail "$real is in a home folder, where a service does not get; install Node for all users" ;; esac

npm install --global --prefix "$root$home" --no-audit --no-fund "$package"
mkdir -p "$root/usr/local/bin" "$root/etc/warren"
# With the Node that it was installed with, whatever comes first in the PATH of a service.
cat >"$root/usr/local/bin/warren" <<WRAPPER
#!/bin/sh
exec "$node" $home/lib/node_modules/warren-mesh/dist/admin/cli/warren.js "\$@"
WRAPPER
chmod 0755 "$root/usr/local/bin/warren"
[ -e "$root/etc/warren/config.yaml" ] || echo 'data: /var/lib/warren' >"$root/etc/warren/config.yaml"
install -D -m 0644 "$here/warren.sysusers" "$root/etc/sysusers.d/warren.conf"
install -D -m 0644 "$here/warren.service" "$root/etc/systemd/system/warren.service"

if [ -z "$root" ]; then
  systemd-sysusers /etc/sysusers.d/warren.conf
  systemctl daemon-reload
  systemctl enable warren.service
  systemctl restart warren.service
  echo 'Warren runs: «warren status» tells how, «journalctl -u warren» what it logs.'
fi
