/** What a shell runs when it starts: it prints a ready file with what the shell itself can do. */
import { noticesTextFile } from "./layout.ts";

export const shells = ["bash", "zsh", "sh", "fish"] as const;
export type Shell = (typeof shells)[number];

const stale = "nixseal: STALE: nobody has looked for vulnerabilities lately; see 'nixseal notices'";

/** To be put into the shell's own start-up file. `file` has no quotes and no backslashes in it. */
export function hookOf(shell: Shell, file: string = noticesTextFile): string {
  return shell === "fish" ? fish(file) : posix(file);
}

/** In a subshell, so that no variable of the person's shell is touched; date(1) is the one program that is started. */
function posix(file: string): string {
  return `# Security notices of this machine; 'nixseal notices' says more.
case $- in
*i*)
  if [ -r '${file}' ]; then (
    read -r kind format until || exit 0
    [ "$kind $format" = "nixseal-notices 1" ] || exit 0
    count=0
    while [ "$count" -lt 12 ] && IFS= read -r line; do
      printf '%s\\n' "$line"
      count=$((count + 1))
    done
    [ "$(date +%s)" -lt "$until" ] 2>/dev/null || printf '%s\\n' "${stale}"
  ) <'${file}'; fi
  ;;
esac
`;
}

function fish(file: string): string {
  return `# Security notices of this machine; 'nixseal notices' says more.
if status is-interactive; and test -r '${file}'
    begin
        set -l count 0
        read -l -d ' ' kind format until
        if test "$kind $format" = "nixseal-notices 1"
            while test $count -lt 12; and read -l line
                printf '%s\\n' "$line"
                set count (math $count + 1)
            end
            test (date +%s) -lt "$until" 2>/dev/null; or printf '%s\\n' "${stale}"
        end
    end <'${file}'
end
`;
}
