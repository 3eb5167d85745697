// What stands for `dynbench` outside of it. Inside the program a plugin gets the program's own module.
throw new Error(
  'The package "dynbench" is a program and the types of its plugins. ' +
    "A plugin runs inside the program: dynbench run --plugin ./FILE, dynbench plugin test",
);
