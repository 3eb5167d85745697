/**
 * At least two canvas pixels per CSS pixel, so that saved pictures and prints are sharp from any
 * screen. uPlot reads `devicePixelRatio` once, when it loads: this module must be imported before it.
 */
const LEAST_PIXELS = 2;

const descriptor = Object.getOwnPropertyDescriptor(window, "devicePixelRatio");
Object.defineProperty(window, "devicePixelRatio", {
  configurable: true,
  get: () => Math.max(LEAST_PIXELS, Number(descriptor?.get?.call(window) ?? 1)),
});

export {};
