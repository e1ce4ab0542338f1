// Before the first paint, so that nothing flashes: the colours that were chosen on this machine, or the system's.
try {
  const chosen = localStorage.getItem("sidestep-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden; then it is the system's.
}
