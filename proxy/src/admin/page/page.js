const shown = document.getElementById("shown");
const show = (status) => { shown.textContent = JSON.stringify(status, null, 2); };
show(JSON.parse(document.getElementById("state").textContent).status);
new EventSource("/events").addEventListener("status", (event) => show(JSON.parse(event.data)));
