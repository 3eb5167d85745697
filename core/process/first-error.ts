/**
 * The first real error in the log of a process that ended. What a server writes last is mostly the news
 * that another of its processes has failed ("See root cause above"), or an ordinary line. Pure.
 */

/** The first line that reports why the process failed, without what precedes its message; undefined where none does. */
export function firstError(lines: readonly string[]): string | undefined {
  const found: Partial<Record<Rank, string>> = {};
  for (const [i, line] of lines.entries()) {
    const error = errorIn(line);
    if (error === undefined) continue;
    const { rank, text } = error;
    const next = CONTINUED.test(text) ? ` ${(lines[i + 1] ?? "").trim()}` : "";
    found[rank] ??= `${text}${next}`;
    if (rank === "cause") break;
  }
  const text = found.cause ?? found.report ?? found.consequence;
  return text === undefined || text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}

/** An exception or crash; a line of the level of errors; one that only reports another error. */
type Rank = "cause" | "report" | "consequence";

const MAX_SHOWN = 300;
/** A level stands near the beginning of its line. */
const LEVEL_PLACE = 100;

/** Levels as servers write them: words in capitals, words in brackets or JSON, a letter and the date (glog). */
const LEVEL =
  /(?:^|[\s["(=])(EMERG|ALERT|CRIT|CRITICAL|FATAL|FTL|PANIC|ERR|ERROR|WARN|WARNING|WRN|NOTICE|INFO?|INF|DEBUG|DBG|TRACE)(?=[\s\])":])|(?:^|[["=])(emerg|alert|crit|critical|fatal|panic|error|warn|warning|notice|info|debug|trace)(?=[\s\]"])|^(?:\[rank\d+\]:)?\[?([EWIF])\d{4} /;
const SEVERE = /^(?:e|f|alert|crit|panic)/i;

/** The last line of a traceback, or what a program prints of itself: `vllm: error: …`. */
const EXCEPTION =
  /(?:^|[\])] )((?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception|Interrupt|Exit|error)(?:: .*)?)$|^\S+: (error: .*)$/;
const CRASH =
  /^(?:thread '.*panicked at|panic: |(?:\w+ ){0,2}error: |terminate called|Segmentation fault|Bus error|Illegal instruction|Aborted|double free|free\(\): |malloc\(\): |Killed$)/i;
/** A panic of Rust and a fault of pydantic have their message on the next line. */
const CONTINUED = /:$|validation errors? for \w+$/;
/** Errors that name another as their reason, and the ends of those who were asked to end. */
const CONSEQUENCE = /\babove\b|EngineDeadError|CancelledError|KeyboardInterrupt|SystemExit/;

function errorIn(line: string): { rank: Rank; text: string } | undefined {
  const level = LEVEL.exec(line.slice(0, LEVEL_PLACE));
  const word = level?.[1] ?? level?.[2] ?? level?.[3];
  if (word !== undefined && !SEVERE.test(word)) return undefined;
  const rankOf = (rank: Rank): Rank => (CONSEQUENCE.test(line) ? "consequence" : rank);
  const exception = EXCEPTION.exec(line);
  const text = exception?.[1] ?? exception?.[2] ?? (CRASH.test(line) ? line : undefined);
  if (text !== undefined) return { rank: rankOf("cause"), text };
  if (level === null) return undefined;
  return { rank: rankOf("report"), text: messageAfter(level, line) };
}

/** What follows the level, and vLLM's time and place after it; a line of JSON as it is. */
function messageAfter(level: RegExpExecArray, line: string): string {
  if (line.startsWith("{")) return line;
  const rest = line.slice(level.index + level[0].length);
  return rest.replace(/^[\]:)\s]*(?:\d\d-\d\d \d\d:\d\d:\d\d \[[^\]]*\])?\s*/, "");
}
