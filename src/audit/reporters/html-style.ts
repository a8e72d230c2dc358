/** The style of the HTML report: light and dark, narrow and wide, screen and paper. Nothing is loaded from anywhere. */
export const style = `
:root { color-scheme: light dark; --back: #fbfbfa; --card: #fff; --text: #1c2024; --weak: #60646c; --line: #e2e3e6; --code: #f1f2f4;
  --critical: #a3123a; --high: #c6372c; --medium: #a85f00; --low: #2f6da8; --info: #6a6f78; --good: #1b7a43; }
@media (prefers-color-scheme: dark) { :root { --back: #141619; --card: #1c1f23; --text: #e8eaed; --weak: #a0a6b0; --line: #30343a; --code: #262a30;
  --critical: #ff7d9c; --high: #ff8a7a; --medium: #f2b04e; --low: #7db8ee; --info: #a0a6b0; --good: #6fd197; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.55 system-ui, "Segoe UI", "Noto Sans", sans-serif; overflow-wrap: anywhere; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; } h2 { font-size: 1.05rem; margin: 2.25rem 0 .6rem; font-family: ui-monospace, monospace; }
h2.plain { font-family: inherit; font-size: 1.2rem; } p { margin: .35rem 0; } .weak { color: var(--weak); } a { color: var(--low); }
.counts { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.5rem 0; padding: 0; list-style: none; }
.counts li { flex: 1 1 6.5rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .7rem .9rem; }
.counts b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; } .counts .none b { color: var(--weak); font-weight: 400; }
article { background: var(--card); border: 1px solid var(--line); border-left: .3rem solid var(--edge); border-radius: .5rem; padding: .8rem 1rem; margin: .6rem 0; }
article header { display: flex; flex-wrap: wrap; gap: .2rem .7rem; align-items: baseline; } article h3 { font-size: 1rem; margin: 0; flex: 1 1 18rem; }
.tag { font-size: .78rem; font-weight: 650; letter-spacing: .03em; text-transform: uppercase; color: var(--edge); }
.critical { --edge: var(--critical); } .high { --edge: var(--high); } .medium { --edge: var(--medium); } .low { --edge: var(--low); } .info, .unknown { --edge: var(--info); } .fine { --edge: var(--good); }
.counts b { color: var(--edge, var(--text)); } code { font: .86em/1.5 ui-monospace, "Cascadia Mono", monospace; background: var(--code); border-radius: .3rem; padding: .1rem .35rem; }
.fix { margin-top: .45rem; } .fix b { color: var(--good); } .place, .rule { font-size: .85rem; color: var(--weak); font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; } td, th { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); }
.stale { border: 2px solid var(--critical); border-radius: .5rem; padding: .7rem 1rem; color: var(--critical); font-weight: 650; }
.package { margin-top: 1.5rem; } .package h2 { margin: 0 0 .1rem; } .package .paths { font-size: .8rem; color: var(--weak); font-family: ui-monospace, monospace; }
.package table { margin-top: .5rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; border-collapse: separate; border-spacing: 0; }
.package td { padding: .5rem .75rem; } .package tr:last-child td { border-bottom: 0; } .package td:first-child { width: 7.5rem; border-left: .3rem solid var(--edge); }
.package td small { color: var(--weak); display: block; } .package .id { font-variant-numeric: tabular-nums; white-space: nowrap; } .exploited { color: var(--critical); font-weight: 650; }
@media (max-width: 38rem) { .package td { display: block; border-bottom: 0; border-left: .3rem solid var(--edge); padding: .2rem .75rem; width: auto !important; } .package tr td:first-child { padding-top: .6rem; } .package tr td:last-child { border-bottom: 1px solid var(--line); padding-bottom: .6rem; } }
.clean { color: var(--good); font-size: 1.15rem; }
@media print { :root { --back: #fff; --card: #fff; --text: #000; --weak: #444; --line: #bbb; --code: #f3f3f3; --critical: #a3123a; --high: #b3261e; --medium: #8a4d00; --low: #1d5288; --info: #555; --good: #11602f; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; } article, .package tr { break-inside: avoid; } h2 { break-after: avoid; } }
`;
