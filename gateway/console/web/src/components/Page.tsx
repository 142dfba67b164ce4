import type { ReactNode } from "react";

/** Title, one line that says what the page is for, actions on the right. */
export function PageHead({ title, lead, actions, back }: { title: ReactNode; lead?: ReactNode; actions?: ReactNode; back?: ReactNode }) {
  return (
    <div className="head">
      <div>
        {back}
        <h1>{title}</h1>
        {lead ? <p>{lead}</p> : null}
      </div>
      {actions ? <div className="head-actions">{actions}</div> : null}
    </div>
  );
}

export function Card({ title, extra, children, className }: { title?: ReactNode; extra?: ReactNode; children: ReactNode; className?: string }) {
  return (
    <section className={`card${className ? " " + className : ""}`}>
      {title || extra ? (
        <div className="card-head">
          {title ? <h2>{title}</h2> : <span />}
          {extra ? <div className="card-extra">{extra}</div> : null}
        </div>
      ) : null}
      {children}
    </section>
  );
}
