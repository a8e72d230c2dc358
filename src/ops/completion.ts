import * as z from "zod";
import { op } from "./op.ts";

// Each script asks the program itself (`nixseal __complete WORD…`), so that it never goes out of date.
const scripts = {
  bash: `_nixseal() {
  local IFS=$'\\n'
  COMPREPLY=($(nixseal __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _nixseal nixseal
`,
  zsh: `#compdef nixseal
_nixseal() {
  local -a words_found
  words_found=("\${(@f)$(nixseal __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${words_found[1]}" ]]; then compadd -a words_found; else _files; fi
}
compdef _nixseal nixseal
`,
  fish: `complete -c nixseal -a '(nixseal __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
};

export const completion = op({
  effect: "read",
  input: z.object({ shell: z.enum(["bash", "zsh", "fish"]).describe("the shell that reads it") }),
  positional: ["shell"],
  output: z.object({ script: z.string() }),
  examples: [
    { command: "source <(nixseal completion bash)", says: "for this session" },
    { command: "nixseal completion fish > ~/.config/fish/completions/nixseal.fish", says: "for good" },
  ],
  run: async (_context, { shell }) => ({ script: scripts[shell] }),
  text: ({ script }) => script,
});
