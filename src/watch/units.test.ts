import assert from "node:assert/strict";
import { test } from "node:test";
import { isUnitName } from "./unit-name.ts";
import { parseUnits } from "./units.ts";

test("units of `systemctl show`, with names as odd as systemd allows", () => {
  const units = parseUnits(`Id=web\\x2dx@a.service
LoadState=loaded
ActiveState=active
ControlGroup=/system.slice/system-web\\x5cx2dx.slice/web\\x2dx@a.service
TriggeredBy=web.socket web.timer
RequiredBy=front.service
BoundBy=
ConsistsOf=part.service
PropagatesStopTo=

Id=-.mount
LoadState=loaded
ActiveState=active

Id=dead.service
LoadState=not-found
ActiveState=inactive

Id=../../etc/passwd.service
ActiveState=active

Id=a*.service
ActiveState=active

nonsense without a name
`);
  assert.deepEqual([...units.keys()], ["web\\x2dx@a.service", "-.mount", "dead.service"]);
  const { runs, startedBy, takesAlong, cgroup } = units.get("web\\x2dx@a.service")!;
  assert.deepEqual(
    [runs, startedBy, takesAlong],
    [true, ["web.socket", "web.timer"], ["front.service", "part.service"]],
  );
  assert.match(cgroup, /x5cx2dx/);
  assert.deepEqual([units.get("dead.service")!.runs, units.get("dead.service")!.exists], [false, false]);
});

test("a unit's name becomes a file's and an argument's: no slash, no pattern, no hidden file, nothing else", () => {
  for (const name of [
    "a/b.service",
    "../x.service",
    "*.service",
    "a b.service",
    "a.service\n",
    ".service",
    "..service",
    "a?.socket",
    "a[b].path",
    "x",
    "é.service",
    "",
  ])
    assert.ok(!isUnitName(name), JSON.stringify(name));
  for (const name of ["a.service", "-.mount", "a@b\\x20c.service", "a:b_c.timer"])
    assert.ok(isUnitName(name), name);
});
