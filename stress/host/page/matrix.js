function hasMatrices() { return false; }
function drawMatrices() {}
