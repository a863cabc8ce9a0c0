"""监测预警: rules that judge the incidents, and the alerts they raise."""
