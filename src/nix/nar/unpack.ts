import { concat, utf8 } from "../../core/bytes.ts";
import type { TreeBuilder, TreeFile, Trees } from "../../core/tree-ports.ts";
import type { NarLimits } from "./format.ts";
import { readNar } from "./reader.ts";

/**
 * Makes the file system object that the NAR holds at `path`, which must not exist (`conflict`). All or
 * nothing: a malformed archive leaves no trace. It cannot lead out of `path`: the parser refuses such names,
 * an entry is made only inside a directory of the same archive that this run made, a name that exists is an
 * error, and symlinks are written, never followed.
 */
export async function unpackNar(
  source: AsyncIterable<Uint8Array>,
  trees: Pick<Trees, "build">,
  path: string,
  limits: Partial<NarLimits> = {},
): Promise<void> {
  const tree = await trees.build(path);
  try {
    await unpackInto(tree, source, limits);
    await tree.commit();
  } finally {
    await tree.discard();
  }
}

async function unpackInto(
  tree: TreeBuilder,
  source: AsyncIterable<Uint8Array>,
  limits: Partial<NarLimits>,
): Promise<void> {
  const open: Uint8Array[] = [];
  const pathOf = (name: Uint8Array): Uint8Array => {
    const parent = open.at(-1);
    return parent === undefined || parent.length === 0 ? name : concat(parent, utf8("/"), name);
  };
  let file: { handle: TreeFile; left: number } | undefined;
  try {
    for await (const event of readNar(source, limits)) {
      switch (event.type) {
        case "directory": {
          const path = pathOf(event.name);
          await tree.makeDirectory(path);
          open.push(path);
          break;
        }
        case "end":
          open.pop();
          break;
        case "symlink":
          await tree.symlink(event.target, pathOf(event.name));
          break;
        case "file": {
          const handle = await tree.createFile(pathOf(event.name), { executable: event.executable });
          file = { handle, left: event.size };
          break;
        }
        case "content":
          await file?.handle.write(event.bytes);
          if (file !== undefined) file.left -= event.bytes.length;
      }
      if (file?.left === 0) {
        const { handle } = file;
        file = undefined;
        await handle.close();
      }
    }
  } finally {
    await file?.handle.close();
  }
}
