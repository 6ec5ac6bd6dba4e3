// Where the model looked: a picture that lies over the image, and a slider for how much of it shows.
import { picture } from "./requests.js";
import { say } from "./words.js";

/** Makes a result's heat map work. Asked for once, it stays with its entry. It is about the class of that name. */
export function offerHeatMap(result, entry, shownClass, tell) {
  const view = result.querySelector(".view");
  const [button, control, meaning] = ["button", ".opacity", ".meaning"].map((part) => view.querySelector(part));
  const [layer, slider] = [view.querySelector(".heat"), control.querySelector("input")];

  const show = () => {
    button.hidden = true;
    for (const part of [control, meaning, layer]) part.hidden = false;
    layer.src = entry.heatMap;
    layer.alt = say("heat-map-of", { name: entry.name });
    meaning.textContent = say("heat-map-means", { class: shownClass });
  };

  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = say("drawing-heat-map");
    try {
      entry.heatMap = await picture(entry.file, "heat-map");
      show();
      slider.focus();
      tell(say("heat-map-shown"));
    } catch (problem) {
      button.hidden = true;
      meaning.hidden = false;
      meaning.textContent = problem.message;
      tell(problem.message);
    }
  });
  slider.addEventListener("input", () => {
    layer.style.opacity = slider.value / slider.max;
  });
  button.hidden = false;
  if (entry.heatMap) show();
}
