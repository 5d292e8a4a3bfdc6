function hasFindings() { return false; }
function drawFindings() {}
