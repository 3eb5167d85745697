/** `import text from "….proto" with { type: "text" }`. */
declare module "*.proto" {
  const text: string;
  export default text;
}
