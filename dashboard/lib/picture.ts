// How does a picture travel? As a data: URL no larger than a model looks at; a photograph is made smaller here first.
import { Problem } from './problem';

const LARGE = 1_000_000; // bytes that are sent as they are
const SIDE = 1792; // twice what the model sees

function asDataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** Throws Problem where the file is no picture that this browser can draw. */
export async function asPicture(file: File): Promise<string> {
  try {
    const drawn = await createImageBitmap(file);
    if (file.size <= LARGE) return await asDataUrl(file);
    const scale = Math.min(1, SIDE / Math.max(drawn.width, drawn.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(drawn.width * scale));
    canvas.height = Math.max(1, Math.round(drawn.height * scale));
    const paper = canvas.getContext('2d')!;
    paper.fillStyle = 'white'; // under what is seen through: a JPEG has no holes
    paper.fillRect(0, 0, canvas.width, canvas.height);
    paper.drawImage(drawn, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL('image/jpeg', 0.9);
  } catch {
    throw new Problem(0, `${file.name} is not a picture`, 'Send a JPEG, PNG, GIF, WebP or BMP.');
  }
}
