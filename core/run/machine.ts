/** What the machine was: enough to judge figures by, nothing that identifies its owner. */
import { cpus, loadavg, release, totalmem } from "node:os";
import { VERSION } from "../version.ts";

export function factsOfMachine(): Record<string, unknown> {
  const processors = cpus();
  return {
    dynbench: VERSION,
    bun: Bun.version,
    platform: `${process.platform}-${process.arch}`,
    kernel: release(),
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadAverageAtStart: loadavg()[0],
  };
}
