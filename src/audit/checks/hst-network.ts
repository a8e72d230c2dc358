import type { Check } from "./check.ts";
import { hasText, isFalse, isTrue, numberOf, textMatches } from "./judges.ts";

const areas = ["config"] as const;
const option = (name: string): string => `https://search.nixos.org/options?show=${name}`;
// Services that trust whoever reaches their port, or are attacked as soon as somebody does.
const innerPorts: ReadonlyMap<number, string> = new Map([
  [2375, "Docker"],
  [2379, "etcd"],
  [2380, "etcd"],
  [3306, "MySQL"],
  [4001, "etcd"],
  [5432, "PostgreSQL"],
  [5984, "CouchDB"],
  [6379, "Redis"],
  [6443, "Kubernetes"],
  [8500, "Consul"],
  [9200, "Elasticsearch"],
  [10250, "kubelet"],
  [11211, "memcached"],
  [27017, "MongoDB"],
  [23, "telnet"],
  [111, "rpcbind"],
  [2049, "NFS"],
  [445, "SMB"],
  [3389, "RDP"],
  [5900, "VNC"],
]);

/** What the host offers to the network. */
export const hostNetworkChecks: readonly Check[] = [
  {
    looksAt: "option",
    id: "HST001",
    name: "firewall-off",
    severity: "high",
    areas,
    title: "the firewall is off",
    means: "Every service that listens, also by accident, is open to all networks of the host.",
    fix: "remove networking.firewall.enable = false; open the ports that are meant to be open",
    references: [option("networking.firewall.enable")],
    options: ["networking.firewall.enable"],
    judge: isFalse,
  },
  {
    looksAt: "option",
    id: "HST002",
    name: "inner-port-open",
    severity: "high",
    areas,
    title: "a port of a service for the inner network is open to all",
    means: "Databases and cluster services are made for networks where everybody is trusted.",
    fix: "open it on the inner interface only: networking.firewall.interfaces.NAME.allowedTCPPorts",
    references: [option("networking.firewall.interfaces")],
    options: ["networking.firewall.allowedTCPPorts"],
    judge: (value, { path }) => {
      if (value.kind === "unknown" || path.includes("interfaces"))
        return path.includes("interfaces") ? "fine" : "unknown";
      const ports = value.kind === "list" ? value.items.map(numberOf) : [];
      const found = ports.flatMap((port) =>
        port !== undefined && innerPorts.has(port) ? [`${innerPorts.get(port)} (${port})`] : [],
      );
      if (found.length > 0) return { message: `open to all networks: ${found.join(", ")}` };
      return value.kind === "list" && (!value.whole || ports.includes(undefined)) ? "unknown" : "fine";
    },
  },
  {
    looksAt: "option",
    id: "HST003",
    name: "trusted-interface",
    severity: "high",
    areas,
    title: "the firewall lets everything in on an interface of a public network",
    means: "For that network the firewall is off.",
    fix: "trust only interfaces that other machines of yours alone reach (wg0, tailscale0)",
    references: [option("networking.firewall.trustedInterfaces")],
    options: ["networking.firewall.trustedInterfaces"],
    judge: hasText((text) => /^(?:eth|ens|enp|eno|enx|wl|wwan|ppp)\w*[*+]?$|^[*+]$/.test(text)),
  },
  {
    looksAt: "option",
    id: "HST004",
    name: "wide-port-range",
    severity: "medium",
    areas,
    title: "more than ten thousand ports are open",
    means: "Services that nobody meant to publish are reachable.",
    fix: "open the ports that are used",
    references: [option("networking.firewall.allowedTCPPortRanges")],
    options: ["networking.firewall.allowedTCPPortRanges", "networking.firewall.allowedUDPPortRanges"],
    judge: (value) => {
      if (value.kind !== "list") return "unknown";
      const wide = value.items.some((item) => {
        if (item.kind !== "set") return false;
        const [from, to] = [numberOf(item.entries.get("from")), numberOf(item.entries.get("to"))];
        return from !== undefined && to !== undefined && to - from > 10_000;
      });
      return wide ? {} : value.whole ? "fine" : "unknown";
    },
  },
  {
    looksAt: "option",
    id: "HST011",
    name: "etcd-without-tls",
    severity: "high",
    areas,
    title: "etcd talks without TLS or takes clients without a certificate",
    means: "It holds a cluster's secrets; whoever reaches it has them.",
    fix: "use https:// everywhere, clientCertAuth and peerClientCertAuth",
    references: ["https://etcd.io/docs/latest/op-guide/security/"],
    options: [
      "services.etcd.listenClientUrls",
      "services.etcd.listenPeerUrls",
      "services.etcd.advertiseClientUrls",
      "services.etcd.clientCertAuth",
      "services.etcd.peerClientCertAuth",
    ],
    judge: (value, definition) =>
      value.kind === "bool"
        ? isFalse(value, definition)
        : hasText((text) => /http:\/\/(?!localhost|127\.|\[::1\])/.test(text))(value, definition),
  },
  {
    looksAt: "option",
    id: "HST012",
    name: "database-for-all",
    severity: "high",
    areas,
    title: "a database takes connections from everywhere without a password",
    means: "Whoever reaches it reads and writes all of it.",
    fix: "listen on localhost or the inner network, and ask for a password",
    references: [
      "https://www.postgresql.org/docs/current/auth-pg-hba-conf.html",
      "https://redis.io/docs/latest/operate/oss_and_stack/management/security/",
    ],
    options: ["services.postgresql.authentication", "services.redis.servers.*.settings.protected-mode"],
    judge: (value, { path }) => {
      if (path.at(-1) === "protected-mode") return value.kind === "text" && value.text === "no" ? {} : "fine";
      return textMatches(/^\s*host\w*\s+\S+\s+\S+\s+(?:0\.0\.0\.0\/0|::\/0|all)\s+trust\b/)(
        value,
        undefined as never,
      );
    },
  },
  {
    looksAt: "option",
    id: "HST013",
    name: "plain-listener",
    severity: "medium",
    areas,
    title: "a service that sends passwords in the clear is on",
    means: "Whoever is on the way reads the passwords.",
    fix: "use SSH, SFTP or a service with TLS",
    references: ["https://cwe.mitre.org/data/definitions/319.html"],
    options: [
      "services.telnet.enable",
      "services.tftpd.enable",
      "services.atftpd.enable",
      "services.rshd.enable",
      "services.vsftpd.anonymousUser",
      "services.xinetd.enable",
    ],
    judge: isTrue,
  },
];
