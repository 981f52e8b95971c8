export const table = (result) => JSON.stringify(result, null, 1);
