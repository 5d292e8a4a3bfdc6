function hasSearch() { return false; }
function drawSearch() {}
