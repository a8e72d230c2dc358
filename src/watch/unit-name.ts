import { text, type Check } from "../core/shape.ts";

// systemd.unit(5). No slash: it becomes the name of a file. No `*?[`: systemctl would take it for a pattern.
const unit =
  /^[A-Za-z0-9:_.\\@-]{1,240}\.(?:service|socket|target|timer|path|mount|automount|slice|scope|swap|device)$/;

export const isUnitName = (name: string): boolean => unit.test(name) && !name.startsWith(".");

export const unitNameCheck: Check<string> = text(
  isUnitName,
  'the name of a systemd unit, such as "web.service"',
);
