/** Programs that are ended all at once: some take seconds to leave, and a run may have eight of them. */

/** Keeps for `stack` what it is given, from now on, and ends it together in the stack's turn. */
export function endedTogether(
  stack: AsyncDisposableStack,
): <Program extends AsyncDisposable>(program: Program) => Program {
  const programs: AsyncDisposable[] = [];
  let isOver = false;
  stack.defer(async () => {
    isOver = true;
    const ends = await Promise.allSettled(programs.map((each) => each[Symbol.asyncDispose]()));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  });
  return (program) => {
    // One that was still starting when another failed.
    if (isOver) void program[Symbol.asyncDispose]();
    else programs.push(program);
    return program;
  };
}
