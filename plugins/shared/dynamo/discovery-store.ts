/** Where Dynamo's processes register, as a reader sees it: files of the run's folder, or etcd. */
export interface DiscoveryStore extends AsyncDisposable {
  /** The JSON values of all instances and model cards that are there now. */
  values(): Promise<string[]>;
}
