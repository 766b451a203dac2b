// How is a large file sent so that one sees how far it is? XMLHttpRequest tells; fetch does not.
import { Problem } from './problem';

export function sendFile<T>(url: string, file: File, headers: Record<string, string>, onProgress: (share: number) => void, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(new TypeError('no answer'));
    request.onabort = () => reject(new DOMException('stopped', 'AbortError'));
    request.onload = () => {
      let said: { title?: string; detail?: string } = {};
      try {
        said = JSON.parse(request.responseText) as typeof said;
      } catch {
        // Not ours: told by its status below.
      }
      if (request.status < 300) resolve(said as T);
      else reject(new Problem(request.status, said.title ?? `The twin answered ${request.status}`, said.detail ?? ''));
    };
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}
