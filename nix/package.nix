# `nixseal`, and in a smaller output `nixseal-agent` for hosts, which needs neither git nor ssh.
#
# The lockfile names versions and hashes but no addresses, so neither fetchNpmDeps nor importNpmLock can use it. Each
# package is a fixed-output derivation with the lockfile's own hash; npm knows where it is published. All are plain
# archives without install scripts, so unpacking them is all that `npm ci` would do.
{
  lib,
  stdenv,
  stdenvNoCC,
  cacert,
  getent,
  git,
  makeBinaryWrapper,
  nodejs,
  nodejs-slim ? nodejs,
  openssh,
  systemd,
  util-linux,
}:
let
  manifest = lib.importJSON ../package.json;

  npmPackages = import ./npm-packages.nix {
    lockfile = ../package-lock.json;
    os = stdenv.buildPlatform.parsed.kernel.name;
    cpu =
      {
        x86_64 = "x64";
        aarch64 = "arm64";
      }
      .${stdenv.buildPlatform.parsed.cpu.name} or stdenv.buildPlatform.parsed.cpu.name;
  };

  fetch =
    {
      name,
      version,
      integrity,
      ...
    }:
    stdenvNoCC.mkDerivation {
      name = "${lib.replaceStrings [ "@" "/" ] [ "" "-" ] name}-${version}.tgz";
      nativeBuildInputs = [
        nodejs
        cacert
      ];
      outputHash = integrity;
      impureEnvVars = lib.fetchers.proxyImpureEnvVars;
      buildCommand = ''
        export HOME="$TMPDIR"
        npm pack --ignore-scripts --no-update-notifier ${lib.escapeShellArg "${name}@${version}"}
        mv -- *.tgz "$out"
      '';
    };

  unpack = package: ''
    mkdir -p ${package.path}
    tar -xzf ${fetch package} -C ${package.path} --strip-components=1
  '';

  agentTools = lib.makeBinPath [
    getent
    systemd
    util-linux
  ];
  operatorTools = lib.makeBinPath [
    git
    openssh
    util-linux
  ];
in
assert lib.versionAtLeast nodejs.version "20.19";
stdenv.mkDerivation {
  pname = "nixseal";
  inherit (manifest) version;

  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../bin
      (lib.fileset.fileFilter (file: file.hasExt "ts" && !(lib.hasSuffix ".test.ts" file.name)) ../src)
      ../package.json
      ../scripts/bundle.mjs
      ../tsconfig.json
    ];
  };

  outputs = [
    "out"
    "agent"
  ];

  strictDeps = true;
  nativeBuildInputs = [
    makeBinaryWrapper
    nodejs
  ];

  postPatch = lib.concatMapStrings unpack npmPackages + ''
    echo '{ "extends": "./tsconfig.json", "include": ["src"] }' > tsconfig.build.json
  '';

  buildPhase = ''
    runHook preBuild
    node node_modules/typescript/bin/tsc -p tsconfig.build.json --incremental false --tsBuildInfoFile null
    node scripts/bundle.mjs
    runHook postBuild
  '';

  # The library lies in the agent's output; the operator's adds the program and its tools.
  installPhase = ''
    runHook preInstall
    library="$agent/lib/nixseal"
    mkdir -p "$library" "$out"
    rm -rf ${
      lib.concatMapStringsSep " " (package: package.path) (
        lib.filter (package: package.isDevelopment) npmPackages
      )
    }
    find node_modules -type d -empty -delete
    cp -r bin dist node_modules package.json "$library"
    # ssh-keygen starts this one, with no wrapper between.
    sed -i '1s|.*|#!${lib.getExe nodejs-slim}|' "$library/bin/nixseal-askpass"
    makeWrapper ${lib.getExe nodejs-slim} "$agent/bin/nixseal-agent" \
      --add-flags "$library/bin/nixseal-agent" --prefix PATH : ${agentTools}
    makeWrapper ${lib.getExe nodejs-slim} "$out/bin/nixseal" \
      --add-flags "$library/bin/nixseal" --prefix PATH : ${operatorTools}
    runHook postInstall
  '';

  # makeWrapper names the interpreter; the scripts' own first line would drag in all of nodejs.
  dontPatchShebangs = true;

  doInstallCheck = true;
  installCheckPhase = ''
    runHook preInstallCheck
    "$out/bin/nixseal" --version
    "$agent/bin/nixseal-agent" --version
    runHook postInstallCheck
  '';

  meta = {
    inherit (manifest) description;
    license = lib.licenses.asl20;
    mainProgram = "nixseal";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
  };
}
