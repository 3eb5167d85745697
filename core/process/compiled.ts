/** Whether this is the binary: there all modules have one address, and the program is its own file. */
export const IS_COMPILED = Bun.main.startsWith("/$bunfs/") || Bun.main.includes("~BUN");
