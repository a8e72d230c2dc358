# The npm packages that a build needs, from package-lock.json: those that the programs need when they run, and of the
# others the compiler, the types it reads and the bundler. Builtins only. `os` and `cpu` in Node's words (linux, x64).
{
  lockfile,
  os,
  cpu,
}:
let
  inherit (builtins)
    attrNames
    elem
    filter
    fromJSON
    head
    isString
    length
    map
    match
    readFile
    split
    ;
  packages = (fromJSON (readFile lockfile)).packages;
  compiler = "node_modules/(typescript|@typescript/.*|@types/node|undici-types|esbuild|@esbuild/.*)";
  isFor = package: elem os (package.os or [ os ]) && elem cpu (package.cpu or [ cpu ]);
  isWanted =
    path:
    path != ""
    && isFor packages.${path}
    && (!(packages.${path}.dev or false) || match compiler path != null);
  nameOf =
    path:
    let
      parts = filter isString (split "node_modules/" path);
    in
    builtins.elemAt parts (length parts - 1);
in
assert head (attrNames packages) == "";
map (path: {
  inherit path;
  name = nameOf path;
  inherit (packages.${path}) version;
  integrity =
    packages.${path}.integrity or (throw "package-lock.json has no integrity for ${path}");
  isDevelopment = packages.${path}.dev or false;
}) (filter isWanted (attrNames packages))
