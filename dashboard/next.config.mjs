// How is the dashboard built? As files that the API serves: no Node where it runs.
/** @type {import('next').NextConfig} */
const config = {
  output: 'export',
  trailingSlash: true, // /inbox/ is inbox/index.html, which every file server understands
  images: { unoptimized: true },
  productionBrowserSourceMaps: false,
  experimental: { optimizePackageImports: ['@mantine/core', '@mantine/hooks', '@tabler/icons-react'] },
};

// `npm run dev` forwards to a twin that runs beside it.
if (process.env.NODE_ENV === 'development') {
  delete config.output;
  const twin = process.env.TWIN_URL ?? 'http://127.0.0.1:8700';
  config.skipTrailingSlashRedirect = true;
  config.rewrites = async () => [
    { source: '/api/:path*', destination: `${twin}/api/:path*` },
    { source: '/v1/:path*', destination: `${twin}/v1/:path*` },
  ];
}

export default config;
