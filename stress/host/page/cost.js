function hasCost() { return false; }
function drawCost() {}
function drawRuns() {}
