// The id that a new template of the library gets from its channel and name.
"use strict";

/** Empty: there is no letter in the name that an id could be made of. */
function templateId(channel, name) {
  const words = name.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 100);
  return words && `${channel}-${words}`;
}
