/**
 * What packages of nixpkgs are called in CPE names and CVE records (`vendor:product`, normalised). Where a name stands here,
 * the same product of another vendor is another product: `jenkins:git` is a plug-in, not git.
 */
const table: Readonly<Record<string, string>> = {
  "apache-httpd": "apache:http-server apache-software-foundation:apache-http-server",
  avahi: "avahi:avahi",
  bash: "gnu:bash",
  bind: "isc:bind isc:bind-9",
  binutils: "gnu:binutils",
  bluez: "bluez:bluez",
  busybox: "busybox:busybox",
  bzip2: "bzip:bzip2",
  cairo: "cairographics:cairo",
  chromium: "google:chrome",
  coreutils: "gnu:coreutils",
  cpio: "gnu:cpio",
  cups: "apple:cups openprinting:cups",
  curl: "haxx:curl curl:curl",
  dbus: "freedesktop:dbus d-bus-project:d-bus",
  dnsmasq: "thekelleys:dnsmasq",
  docker: "docker:docker mobyproject:moby moby:moby",
  dovecot: "dovecot:dovecot",
  emacs: "gnu:emacs",
  exim: "exim:exim",
  expat: "libexpat-project:libexpat",
  ffmpeg: "ffmpeg:ffmpeg",
  file: "file-project:file",
  firefox: "mozilla:firefox",
  "firefox-esr": "mozilla:firefox-esr mozilla:firefox",
  freetype: "freetype:freetype",
  gcc: "gnu:gcc",
  gdb: "gnu:gdb",
  ghostscript: "artifex:ghostscript",
  git: "git-scm:git git:git",
  glib: "gnome:glib",
  glibc: "gnu:glibc the-gnu-c-library:glibc",
  gnupg: "gnupg:gnupg",
  gnutls: "gnu:gnutls",
  go: "golang:go go-toolchain:cmd/go go-standard-library:net/http go-standard-library:crypto/tls go-standard-library:crypto/x509 go-standard-library:html/template go-standard-library:net/url go-standard-library:net/mail go-standard-library:net/textproto go-standard-library:net/netip go-standard-library:mime/multipart go-standard-library:encoding/xml go-standard-library:encoding/pem go-standard-library:encoding/gob go-standard-library:encoding/asn1 go-standard-library:archive/zip go-standard-library:archive/tar go-standard-library:go/parser go-standard-library:os go-standard-library:os/exec go-standard-library:path/filepath go-standard-library:database/sql go-standard-library:syscall go-standard-library:math/big go-standard-library:regexp/syntax",
  grafana: "grafana:grafana",
  grub: "gnu:grub2",
  "gtk+": "gnome:gtk gtk:gtk+",
  "gtk+3": "gnome:gtk gtk:gtk+",
  gtk4: "gnome:gtk",
  haproxy: "haproxy:haproxy",
  imagemagick: "imagemagick:imagemagick",
  jenkins: "jenkins:jenkins",
  krb5: "mit:kerberos-5",
  libarchive: "libarchive:libarchive",
  libjpeg: "libjpeg-turbo:libjpeg-turbo",
  libpng: "libpng:libpng",
  "libpng-apng": "libpng:libpng",
  libssh: "libssh:libssh",
  libssh2: "libssh2:libssh2",
  libtiff: "libtiff:libtiff",
  libvirt: "redhat:libvirt",
  libwebp: "webmproject:libwebp",
  libxml2: "xmlsoft:libxml2",
  libxslt: "xmlsoft:libxslt",
  linux: "linux:linux-kernel linux:linux",
  "linux-pam": "linux-pam:linux-pam",
  lz4: "lz4-project:lz4",
  mariadb: "mariadb:mariadb",
  "mariadb-server": "mariadb:mariadb",
  mysql: "oracle:mysql",
  ncurses: "gnu:ncurses invisible-island:ncurses",
  nginx: "f5:nginx nginx:nginx",
  nix: "nixos:nix",
  nodejs: "nodejs:node.js nodejs:node",
  openjdk: "oracle:openjdk",
  openldap: "openldap:openldap",
  openssh: "openbsd:openssh",
  openssl: "openssl:openssl",
  openvpn: "openvpn:openvpn",
  pcre: "pcre:pcre",
  pcre2: "pcre:pcre2",
  perl: "perl:perl",
  php: "php:php php-group:php",
  pixman: "pixman:pixman",
  podman: "podman-project:podman containers:podman",
  polkit: "polkit-project:polkit",
  poppler: "freedesktop:poppler",
  postfix: "postfix:postfix",
  postgresql: "postgresql:postgresql",
  python3: "python:python python-software-foundation:cpython",
  python: "python:python python-software-foundation:cpython",
  qemu: "qemu:qemu",
  redis: "redis:redis redislabs:redis",
  rsync: "samba:rsync rsync:rsync",
  ruby: "ruby-lang:ruby",
  runc: "linuxfoundation:runc opencontainers:runc",
  rustc: "rust-lang:rust",
  samba: "samba:samba",
  screen: "gnu:screen",
  shadow: "shadow-project:shadow debian:shadow",
  sqlite: "sqlite:sqlite",
  squid: "squid-cache:squid",
  strongswan: "strongswan:strongswan",
  sudo: "sudo-project:sudo sudo:sudo",
  systemd: "systemd-project:systemd freedesktop:systemd systemd:systemd",
  tar: "gnu:tar",
  gnutar: "gnu:tar",
  tcpdump: "tcpdump:tcpdump",
  thunderbird: "mozilla:thunderbird",
  tomcat: "apache:tomcat apache-software-foundation:apache-tomcat",
  "apache-tomcat": "apache:tomcat apache-software-foundation:apache-tomcat",
  unbound: "nlnetlabs:unbound nlnet-labs:unbound",
  unzip: "info-zip:unzip unzip-project:unzip",
  "util-linux": "kernel:util-linux linux:util-linux",
  vim: "vim:vim",
  webkitgtk: "webkitgtk:webkitgtk",
  wget: "gnu:wget",
  wireshark: "wireshark:wireshark wireshark-foundation:wireshark",
  "wpa-supplicant": "w1.fi:wpa-supplicant",
  "xorg-server": "x.org:x-server x.org:xorg-server",
  xz: "tukaani:xz tukaani-project:xz",
  zlib: "zlib:zlib gnu:zlib",
  zstd: "facebook:zstandard",
};

export interface ProductName {
  readonly vendor: string;
  readonly product: string;
}

/** How nixpkgs names other builds of one source: they share its vulnerabilities. */
const variants =
  /-(?:minimal|full|headless|unwrapped|interactive|slim|cli|light|stable|mainline|nox|gtk3?|pgtk|with-svn|with-extensions|with-x|and-plugins|host-cpu-only|legacy)$/;

/** Null where only the name itself can be gone by. `name` is normalised. */
export function knownProducts(name: string): readonly ProductName[] | null {
  const whole = linesOf(name);
  // At most two of them, as in git-minimal-unwrapped.
  const source = name.replace(variants, "");
  return whole ?? linesOf(source) ?? linesOf(source.replace(variants, ""));
}

function linesOf(name: string): readonly ProductName[] | null {
  const base = /^linux-(?:rt|zen|hardened|lqx|xanmod|libre|lts|latest|rpi|mptcp)(?:-|$)/.test(name)
    ? "linux"
    : name;
  const line = Object.hasOwn(table, base) ? table[base] : undefined;
  if (line === undefined) return null;
  return line.split(" ").map((pair) => {
    const colon = pair.indexOf(":");
    return { vendor: pair.slice(0, colon), product: pair.slice(colon + 1) };
  });
}
