/** What `dynbench plugin --help` and `dynbench plugin VERB --help` say. */

export const PLUGIN_HELP = `Usage: dynbench plugin list
       dynbench plugin show NAME          options and defaults of a plugin
       dynbench plugin new KIND NAME      a folder with a plugin that works: engine, router,
                                          workload or reporter
       dynbench plugin test [FOLDER]      run its tests, with dynbench/testing in reach
       dynbench plugin add SPEC           NAME, NAME@VERSION, ./FOLDER, FILE.tgz or FILE.js
       dynbench plugin remove NAME        the package, as "list" names it
       dynbench plugin pack [FOLDER]      one .js file to carry to a host without a network

From nothing to a router of your own that is measured beside kv:

  dynbench plugin new router mine
  dynbench plugin test ./mine
  dynbench plugin add ./mine
  dynbench run --router mine,kv --prefix-ratio 0.9 --clock virtual

Added plugins are loaded by every command. They live in $XDG_DATA_HOME/dynbench/plugins, or
~/.local/share/dynbench/plugins. Nothing is ever loaded because it lies in the current folder, and
no install script of any package runs.

  --plugin FILE         Load a plugin from this file too
  --plugin-folder DIR   Use this folder in place of the user's own: a project's, say
  --no-plugins          Load none of the plugins that were added
  --out FILE            Where pack writes to; NAME.js here when left out

"dynbench plugin VERB --help" has more of each.
`;

export const VERB_HELP = {
  list: `Usage: dynbench plugin list

Every engine, router, workload and reporter that a run can name, with where it comes from unless it
is part of dynbench, and what was added but cannot be loaded, with the reason.
`,
  show: `Usage: dynbench plugin show NAME

The options of a plugin as flags, with their defaults. Several plugins of one name are all shown.

  dynbench plugin show kv
  dynbench plugin show mine --plugin ./mine.ts
`,
  new: `Usage: dynbench plugin new KIND NAME

Makes the folder NAME: NAME.ts, a plugin that works and is yours to change; NAME.test.ts, which runs
what every plugin of its kind must keep; package.json, to publish it; tsconfig.json, for an editor;
README.md, for whoever gets it.

  dynbench plugin new router mine      the worker that holds most of the prompt, unless it is full
  dynbench plugin new workload mine    requests from a table
  dynbench plugin new reporter mine    a table in Markdown
  dynbench plugin new engine mine      a server a worker, started by a command
`,
  test: `Usage: dynbench plugin test [FOLDER]

Runs every *.test.ts below the folder, the current one when left out. bun:test, dynbench and
dynbench/testing are this program's own: nothing need be installed. Exit code 0 when all pass, 2
when one fails or there is none.

  dynbench plugin test ./mine
`,
  add: `Usage: dynbench plugin add SPEC

  NAME, @SCOPE/NAME     a package of the registry; its newest version
  NAME@VERSION          that version
  ./FOLDER              a folder with a package.json: what it would publish is copied
  FILE.tgz              a packed package
  FILE.js, FILE.ts      a single file

The package is loaded once, and stays only if dynbench can use it. It brings its own dependencies;
no script of any of them runs. Adding it again replaces it. The registry is the one that ~/.npmrc or
npm_config_registry names. On a host without a network add what "plugin pack" made elsewhere.

  dynbench plugin add ./mine
  dynbench plugin add ./mine --plugin-folder dynbench.plugins     for this project alone:
  dynbench run --plugin-folder dynbench.plugins --router mine
`,
  remove: `Usage: dynbench plugin remove NAME

Takes out the package of that name, as "dynbench plugin list" shows it, with all that came with it.

  dynbench plugin remove mine
`,
  pack: `Usage: dynbench plugin pack [FOLDER | FILE] [--out FILE.js]

Makes one .js file of a plugin and everything it imports but dynbench. Copy it to another host, and
load it there for one run or add it:

  dynbench plugin pack ./mine
  dynbench run --plugin ./mine.js --router mine
  dynbench plugin add ./mine.js
`,
} as const;
