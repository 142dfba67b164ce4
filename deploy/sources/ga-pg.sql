-- The table that ga-pg.yaml reads, with two made-up persons of the sample city. compose.yaml loads it into its PostgreSQL.
CREATE SCHEMA ga;
CREATE TABLE ga.t_czrk (
    sfzh       varchar(18) PRIMARY KEY,
    xm         varchar(50) NOT NULL,
    xbdm       varchar(1)  NOT NULL,
    mzdm       varchar(2)  NOT NULL,
    csrq       date        NOT NULL,
    hjdxzqhdm  varchar(6)  NOT NULL,
    hjdz       varchar(200) NOT NULL,
    yhzgxdm    varchar(2),
    hyzkdm     varchar(2),
    zxbz       varchar(1)  NOT NULL DEFAULT '0',
    zxyy       varchar(1),
    zxrq       date,
    beizhu     text -- no field of the dataset: it is not read
);
INSERT INTO ga.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz, yhzgxdm, hyzkdm, beizhu) VALUES
    ('539902198503120013', '张三', '1', '01', '1985-03-12', '539902', '云岭市岭东区东关街道和平路1号', '02', '20', '示例'),
    ('539902199001011022', '李四', '2', '01', '1990-01-01', '539902', '云岭市岭东区翠湖街道湖滨路2号', '02', '10', '示例');
