/** Help texts of `dynbench plugin` and of each of its verbs. */

export const PLUGIN_HELP = `Usage: dynbench plugin list
       dynbench plugin show NAME          print options and defaults of a plugin
       dynbench plugin new KIND NAME      make a folder with a working plugin: engine, router,
                                          workload or reporter
       dynbench plugin test [FOLDER]      run its tests, which may import dynbench/testing
       dynbench plugin add SPEC           NAME, NAME@VERSION, ./FOLDER, FILE.tgz or FILE.js
       dynbench plugin remove NAME        remove a package, by its name in "list"
       dynbench plugin pack [FOLDER]      make one .js file, to copy to a host without a network

To write a router of your own and compare it with kv:

  dynbench plugin new router mine
  dynbench plugin test ./mine
  dynbench plugin add ./mine
  dynbench run --router mine,kv --prefix-ratio 0.9 --clock virtual

Every command loads the added plugins. They are kept in $XDG_DATA_HOME/dynbench/plugins, or
~/.local/share/dynbench/plugins. No plugin is loaded because it is in the current folder, and no
install script of any package is run.

  --plugin FILE         Also load a plugin from this file
  --plugin-folder DIR   Use this folder instead of the user's own, for example that of a project
  --no-plugins          Load none of the plugins that were added
  --out FILE            File that pack writes [NAME.js in the current folder]

"dynbench plugin VERB --help" describes each verb.
`;

export const VERB_HELP = {
  list: `Usage: dynbench plugin list

Prints every engine, router, workload and reporter that a run can use, with its origin unless it is
part of dynbench; then packages that were added but cannot be loaded, with the reason.
`,
  show: `Usage: dynbench plugin show NAME

Prints the options of a plugin as flags, with their defaults. If several plugins have the name, all
are shown.

  dynbench plugin show kv
  dynbench plugin show mine --plugin ./mine.ts
`,
  new: `Usage: dynbench plugin new KIND NAME

Makes the folder NAME with NAME.ts, a working plugin to start from; NAME.test.ts, which tests the
rules for every plugin of its kind; package.json, to publish it; tsconfig.json, for an editor; and
README.md, for its users.

  dynbench plugin new router mine      picks the worker with most of the prompt cached, if not full
  dynbench plugin new workload mine    reads requests from a table
  dynbench plugin new reporter mine    writes a table in Markdown
  dynbench plugin new engine mine      starts one server for each worker, by a command
`,
  test: `Usage: dynbench plugin test [FOLDER]

Runs every *.test.ts below the folder, by default the current one. This program provides bun:test,
dynbench and dynbench/testing, so nothing has to be installed. Exit code 0 if all tests pass, 2 if
one fails or there is none.

  dynbench plugin test ./mine
`,
  add: `Usage: dynbench plugin add SPEC

  NAME, @SCOPE/NAME     the newest version of a package in the registry
  NAME@VERSION          that version
  ./FOLDER              a folder with a package.json; the files that it would publish are copied
  FILE.tgz              a packed package
  FILE.js, FILE.ts      a single file

The package is loaded once, and kept only if dynbench can use it. Its dependencies are installed
with it; no install script is run. Adding it again replaces it. The registry is that of ~/.npmrc or
npm_config_registry. On a host without a network, add a file that "plugin pack" made elsewhere.

  dynbench plugin add ./mine
  dynbench plugin add ./mine --plugin-folder dynbench.plugins     for this project only:
  dynbench run --plugin-folder dynbench.plugins --router mine
`,
  remove: `Usage: dynbench plugin remove NAME

Removes the package of that name, as printed by "dynbench plugin list", and its dependencies.

  dynbench plugin remove mine
`,
  pack: `Usage: dynbench plugin pack [FOLDER | FILE] [--out FILE.js]

Bundles a plugin and everything that it imports, except dynbench, into one .js file. Copy the file
to another host, and load it there for one run, or add it:

  dynbench plugin pack ./mine
  dynbench run --plugin ./mine.js --router mine
  dynbench plugin add ./mine.js
`,
} as const;
