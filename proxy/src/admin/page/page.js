// Puts the page together: the state that came with it first, then whatever is new.

import { find, say, set } from "./dom.js";
import { Feed } from "./feed.js";
import { headline, traffic } from "./headline.js";
import { footer, incidents, lost, rehearsals, routes, switches } from "./lists.js";
import { providers } from "./models.js";
import { Store } from "./store.js";
import { openSwitch, prepareSwitching } from "./switching.js";
import { followTimeline, timeline } from "./timeline.js";

const THEMES = [["", "Auto", "as the system"], ["light", "Light", "light"], ["dark", "Dark", "dark"]];

const store = new Store();
const feed = new Feed(store, draw);
const open = (subject) => openSwitch(store, subject);

function draw() {
  headline(store, feed);
  lost(feed);
  rehearsals(store);
  traffic(store);
  incidents(store);
  switches(store, open);
  providers(store, open);
  routes(store);
  timeline(store);
  footer(store);
}

function themes() {
  const button = find("theme");
  const show = () => {
    const [, word, words] = THEMES.find(([name]) => name === (document.documentElement.dataset.theme ?? "")) ?? THEMES[0];
    say(button, word);
    set(button, "aria-label", `${word}: colours ${words}`);
  };
  button.addEventListener("click", () => {
    const at = THEMES.findIndex(([name]) => name === (document.documentElement.dataset.theme ?? ""));
    const [next] = THEMES[(at + 1) % THEMES.length];
    set(document.documentElement, "data-theme", next || null);
    try {
      localStorage.setItem("sidestep-theme", next);
    } catch {
      // For this time only, then.
    }
    show();
  });
  show();
}

const first = JSON.parse(find("state").textContent);
// What it holds is in the store: the text is not needed twice.
find("state").remove();
store.changeable = first.changeable === true;
store.takeStatus(first.status);
store.takeHistory(first.history);
store.takeIncidents(first.incidents);
themes();
followTimeline(draw);
prepareSwitching(store, draw);
draw();
feed.start();
// Times pass by themselves.
setInterval(() => { if (!document.hidden) draw(); }, 1000);
