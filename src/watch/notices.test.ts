import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checked, finding, notice, noticesWith } from "../../test/support/notices.ts";
import { utf8Text } from "../core/bytes.ts";
import { staleness } from "./freshness.ts";
import { hookText, newsText, noticesText } from "./notices-text.ts";
import { formatNotices, parseNotices } from "./notices.ts";
import { selectNotices } from "./select.ts";

const now = new Date("2026-11-22T08:00:00Z");
const unit = { unit: "web.service", because: "runs it", since: checked, new: true };

test("what is written is read again", () => {
  const notices = noticesWith([notice("CVE-1", { hint: "update" })], { stopped: [unit], kept: [unit] });
  assert.deepEqual(parseNotices(formatNotices(notices)), notices);
});

test("old data, no data and a clock that was set back are stale", () => {
  const fresh = noticesWith([]);
  assert.equal(staleness(fresh, now), null);
  assert.match(staleness({ ...fresh, feed: null }, now)!, /no advisories/);
  assert.match(staleness({ ...fresh, feed: { ...fresh.feed!, expires: checked } }, now)!, /out of date/);
  assert.match(staleness(fresh, new Date("2026-11-26T08:00:00Z"))!, /nobody has looked since/);
  const expired = { ...fresh, feed: { ...fresh.feed!, expires: "2026-11-01T00:00:00Z" } };
  assert.match(staleness(expired, new Date("2020-01-01T00:00:00Z"))!, /out of date/);
});

test("the text: what there is, what is new, and that nothing is nothing", () => {
  const notices = noticesWith(
    [notice("CVE-1"), notice("CVE-2", { since: "2026-11-01T00:00:00Z", new: false })],
    {
      stopped: [unit],
    },
  );
  const text = noticesText(notices, now);
  assert.equal(text[0], "nixseal: 2 known vulnerabilities, 1 unit stopped");
  assert.match(text[1]!, /CVE-1\] \(new\)$/);
  assert.match(text[2]!, /CVE-2\]$/);
  assert.deepEqual(
    newsText(notices, now).filter((line) => line.includes("[CVE-2]")),
    [],
  );
  assert.deepEqual(noticesText(noticesWith([]), now).length, 1);
  assert.equal(
    utf8Text(hookText(noticesWith([])), "text"),
    `nixseal-notices 1 ${Date.parse("2026-11-25T07:00:00Z") / 1000}\n`,
  );
});

test("whatever a feed says, a shell prints a few short lines of printable text", () => {
  const any = fc.string({ unit: "binary", maxLength: 2000 });
  fc.assert(
    fc.property(any, any, any, (message, advisory, reason) => {
      const many = Array.from({ length: 50 }, () => notice(advisory, { message }));
      const text = utf8Text(
        hookText(
          noticesWith(many, {
            more: 7,
            stopped: [unit],
            problems: [{ code: "io", message: reason, hint: reason }],
          }),
        ),
        "text",
      );
      const lines = text.split("\n");
      assert.ok(lines.length <= 10);
      for (const line of lines) {
        assert.ok(line.length < 400);
        assert.doesNotMatch(line, /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      }
      assert.match(lines[0]!, /^nixseal-notices 1 \d+$/);
    }),
  );
});

test("what hosts may act on is never cut off, and a notice keeps its age", () => {
  const many = Array.from({ length: 500 }, (_, index) => finding(`CVE-${index}`));
  const { notices, more } = selectNotices(
    [...many, finding("CVE-act", { mayAct: true, severity: "low" })],
    [notice("CVE-7", { package: "p", since: "2026-01-01T00:00:00Z" })],
    "high",
    checked,
  );
  assert.deepEqual([notices.length, more, notices[0]!.advisory], [100, 401, "CVE-act"]);
  assert.equal(notices.find(({ advisory }) => advisory === "CVE-7")!.since, "2026-01-01T00:00:00Z");
  const kinds = [
    finding("low", { severity: "low" }),
    finding("unknown", { verdict: "unknown" }),
    finding("no", { verdict: "not-affected" }),
    finding("used", { severity: "low", exploited: "2026-01-01" }),
  ];
  assert.deepEqual(
    selectNotices(kinds, [], "high", checked).notices.map(({ advisory }) => advisory),
    ["used"],
  );
});
