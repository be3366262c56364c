resource "azurerm_batch_pool" "render" {
  name                = "render"
  resource_group_name = var.group
  account_name        = var.account
  vm_size             = "standard_d4s_v5"
  node_agent_sku_id   = "batch.node.ubuntu 22.04"

  auto_scale {
    evaluation_interval = "PT5M"

    formula = <<-EOF
      // At most ${var.max_nodes} nodes, and one while the pool is young.
      born = time("${var.created}");
      window = TimeInterval_Minute * 10;
      tasks = $PendingTasks.GetSamplePercent(window) < 70
          ? max(1, $PendingTasks.GetSample(1))
          : avg($PendingTasks.GetSample(window));
      $TargetDedicatedNodes = time() - born < TimeInterval_Hour ? 1 : min(${var.max_nodes}, ceil(tasks));
      $NodeDeallocationOption = taskcompletion;
    EOF
  }
}
