# What the deploy user may use in all of its sessions together, for pam_limits. Builtins only.
[
  {
    item = "nproc";
    value = "512";
  }
  {
    item = "nofile";
    value = "1024";
  }
  {
    item = "core";
    value = "0";
  }
]
