/** Hidden first argument that makes the binary a child. Apart, so that commands start without the children's code. */
export const CHILD_ARGUMENT = "__child";

/** The same of a thread that simulates cells. */
export const CELL_THREAD = "__cells";
