/** The mark of the product: one source, many branches. */
export function Seal({ size = 32 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#b3362b" />
      <path
        d="M9 9.5h14M16 9.5v5.2M16 14.7c-3.6 0-6.2 2.3-6.2 5M16 14.7c3.6 0 6.2 2.3 6.2 5M16 14.7v9"
        fill="none"
        stroke="#fff"
        strokeWidth="2.4"
        strokeLinecap="round"
      />
      <circle cx="9.8" cy="22.6" r="1.7" fill="#fff" />
      <circle cx="22.2" cy="22.6" r="1.7" fill="#fff" />
      <circle cx="16" cy="25" r="1.7" fill="#fff" />
    </svg>
  );
}
